/** Matchers by name: in the box or added by a plug-in, from a file or over HTTP, before a file of the same name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { openModel, openNamedModel } from '../../packages/core/src/model.ts';
import { type BoxedModel, MODELS, readModel, readNamedModel } from '../../packages/core/src/named_models.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { denseCheckpoint, tinyCheckpoint } from '../server/tiny_model.mjs';

const folder = mkdtempSync(join(tmpdir(), 'doppel-named-'));
const file = pathToFileURL(join(folder, 'planted.safetensors'));
let bytes: Uint8Array;
const server = createServer((request, response) => {
  response.writeHead(request.url === '/planted.safetensors' ? 200 : 404).end(bytes);
});

function add(name: string, checkpoint: URL): void {
  const facts = { description: 'planted', side: 64, opticalBands: 1 } as const;
  MODELS.add({ name, ...facts, checkpoint: () => checkpoint, card: () => checkpoint } satisfies BoxedModel);
}

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  bytes = denseCheckpoint();
  writeFileSync(file, bytes);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  add('planted', file);
  add('planted-remote', new URL('/planted.safetensors', origin));
  add('planted-lost', new URL('/lost.safetensors', origin));
  add('planted-removed', new URL('removed.safetensors', file));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

it.each(['planted', 'planted-remote'])('opens %s', async (name) => {
  const model = await openNamedModel(name);
  expect(model.info).toMatchObject({ preset: 'dense', side: 64 });
  model.dispose();
  expect(Buffer.compare(await readNamedModel(name), bytes)).toBe(0);
});

it('takes a name before a file of that name, and a path as a path', async () => {
  const store = new MemoryStore();
  for (const path of ['planted', './planted', 'other']) await store.write(path, tinyCheckpoint());
  const presetOf = async (path: string) => {
    const { info, dispose } = await openModel(store, path);
    dispose();
    return info.preset;
  };
  expect(await presetOf('planted')).toBe('dense');
  expect(await presetOf('./planted')).toBe('two-channel');
  expect(await presetOf('other')).toBe('two-channel');
});

it('lists the names where there is none', async () => {
  await expect(openNamedModel('nothing')).rejects.toMatchObject({
    tag: 'usage',
    message: expect.stringMatching(/one of s1s2-10m, s1s2-10m-small, planted,/),
  });
  await expect(readModel(new MemoryStore(), 'nothing')).rejects.toMatchObject({
    tag: 'file',
    message: expect.stringMatching(
      /model nothing: .*the name of a model: s1s2-10m, s1s2-10m-small, planted,.*found nothing there/,
    ),
  });
});

it.each([
  ['planted-lost', /lost\.safetensors.*HTTP status 404/],
  ['planted-removed', /removed\.safetensors.*no such file/],
])('says where it looked for %s', async (name, message) => {
  await expect(openNamedModel(name)).rejects.toMatchObject({ tag: 'file', message: expect.stringMatching(message) });
});
