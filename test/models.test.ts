/** The models in the box: each file is that of its card, of bounded size, and names no path of the machine that made it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { GENERATOR_BOX } from '../models/src/generators.ts';
import { BOX } from '../models/src/index.ts';
import { selectBackend } from '../packages/core/src/backends/select_backend.ts';
import { readGeneratorFile } from '../packages/core/src/generator/named_generators.ts';
import { openGenerator } from '../packages/core/src/generator/open.ts';
import { openNamedModel } from '../packages/core/src/model.ts';
import { MemoryStore } from '../packages/core/src/store.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

describe.each(BOX)('$name', ({ name, side, opticalBands, card }) => {
  it('has the fingerprint of its card, and its list entry', async () => {
    const model = await openNamedModel(name);
    const text = readFileSync(card(), 'utf8');
    expect(text).toContain(model.info.fingerprint);
    expect(model.info).toMatchObject({ side, opticalBands, isCalibrated: true });
    model.dispose();
  });
});

it.each(GENERATOR_BOX)(
  'the generator $name has the fingerprint of its card, and its list entry',
  async ({ name, side, card }) => {
    const generator = await openGenerator(await readGeneratorFile(new MemoryStore(), name), name);
    expect(readFileSync(card(), 'utf8')).toContain(generator.info.fingerprint);
    expect(generator.info).toMatchObject({ side, preset: 'spatial' });
    generator.dispose();
  },
);

it.each([...BOX, ...GENERATOR_BOX])('$name takes at most 2 MB, and names no absolute path', ({ checkpoint }) => {
  const bytes = readFileSync(checkpoint());
  expect(bytes.length).toBeLessThanOrEqual(2e6);
  const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
  expect(header).not.toMatch(/"\/[a-z]/);
});
