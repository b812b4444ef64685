/** Settings in YAML. */

import { expect, it } from 'vitest';
import { readYaml, writeYaml } from '../../packages/cli/src/yaml_file.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';

async function read(text: string) {
  const store = new MemoryStore();
  await store.write('a.yaml', text);
  return readYaml(store, 'a.yaml');
}

it('comes back as it was written', async () => {
  const settings = { epochs: 3, schedule: { kind: 'cosine' }, negatives: { mined: [0, 0.5], file: null } };
  expect(await read(writeYaml(settings))).toEqual(settings);
  expect(await read('# nothing but a comment\n')).toEqual({});
});

it.each([
  ['a list', '- 1\n- 2\n', /a\.yaml.*found a list/],
  ['one value', '7\n', /a\.yaml.*found one value/],
  ['broken text', 'epochs: [1, 2\n', /a\.yaml.*settings in YAML/],
  ['a key twice', 'epochs: 1\nepochs: 2\n', /a\.yaml.*unique/],
])('refuses %s by the name of the file', async (_, text, message) => {
  await expect(read(text)).rejects.toMatchObject({ tag: 'format', message: expect.stringMatching(message) });
});
