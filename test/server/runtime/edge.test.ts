/**
 * The server as one file on a runtime without files and native code: Deno with no permission but the network. Its scores
 * are those of Node.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { bundleEdge } from '../../../packages/server/scripts/bundle_edge.mjs';
import { createApp } from '../../../packages/server/src/app.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { InlineScoring } from '../../../packages/server/src/scoring/inline_scoring.ts';
import { soleModel } from '../fake_scorer.ts';
import { noisePatch, tinyCheckpoint } from '../tiny_model.mjs';

const folder = mkdtempSync(join(tmpdir(), 'doppel-edge-'));
const model = join(folder, 'tiny.safetensors');
let running: ChildProcess | undefined;

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  writeFileSync(model, tinyCheckpoint());
});
afterEach(() => void running?.kill('SIGKILL'));
afterAll(() => rmSync(folder, { recursive: true }));

/** It also tells which permissions it has. */
const ENTRY = `
  import { createEdgeHandler } from './edge.ts';
  import model from 'doppel:model';
  import wasm from 'doppel:wasm';
  const fetch = createEdgeHandler({ model, wasm, name: 'tiny.safetensors', log: (line) => console.error(line) });
  const names = ['read', 'write', 'run', 'env', 'ffi', 'sys', 'net'];
  const states = await Promise.all(names.map(async (name) => (await Deno.permissions.query({ name })).state));
  const granted = names.filter((_, i) => states[i] === 'granted');
  const onListen = ({ port }) => console.log(JSON.stringify({ port, granted }));
  Deno.serve({ port: 0, hostname: '127.0.0.1', onListen }, fetch);
`;

async function startOnDeno(backend: 'wasm' | 'cpu'): Promise<string> {
  const bundle = join(folder, `${backend}.js`);
  await bundleEdge({ model, out: bundle, backend, entry: ENTRY });
  const deno = join(createRequire(import.meta.url).resolve('deno/package.json'), '../deno');
  const args = [
    'run',
    '--no-prompt',
    '--no-config',
    '--no-remote',
    '--allow-net',
    '--unstable-no-legacy-abort',
    bundle,
  ];
  running = spawn(deno, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: running.stdout! })) {
    const { port, granted } = JSON.parse(line);
    expect(granted).toEqual(['net']);
    return `http://127.0.0.1:${port}`;
  }
  throw new Error('The bundle ended before it listened.');
}

const jsonRequest = () => {
  const pairs = [1, 2, 3].map((seed) => ({
    id: `pair ${seed}`,
    sar: { data: noisePatch(seed).samples },
    optical: { data: noisePatch(seed + 10).samples },
  }));
  const init = {
    method: 'POST',
    body: JSON.stringify({ pairs: [...pairs, { id: 'bad', sar: [[1]], optical: [[1]] }] }),
  };
  return { ...init, headers: { 'content-type': 'application/json' } };
};

function formRequest() {
  const body = new FormData();
  body.append('sar', new File([noisePatch(1).tiff as BlobPart], 'sar.tif'));
  body.append('optical', new File([noisePatch(11).png as BlobPart], 'optical.png'));
  return { method: 'POST', body };
}

it.each(['wasm', 'cpu'] as const)('scores as Node does, on %s', async (backend) => {
  const url = await startOnDeno(backend);
  const limits = limitsFrom();
  const scorer = new InlineScoring({ ...limits, model: readFileSync(model), file: model, backend: 'wasm' });
  await scorer.info();
  const here = createApp({ models: soleModel(scorer), limits });
  const there = await (await fetch(`${url}/v1/match`, jsonRequest())).json();
  const expected = await (await here.request('/v1/match', jsonRequest())).json();
  expect(there).toMatchObject({ backend, model: 'tiny.safetensors', modelFingerprint: expected.modelFingerprint });
  expect(there.results.map((each: { id: string }) => each.id)).toEqual(['pair 1', 'pair 2', 'pair 3', 'bad']);
  for (let i = 0; i < 3; i++) {
    expect(Math.abs(there.results[i].score - expected.results[i].score)).toBeLessThan(1e-4);
    expect(there.results[i].match).toBe(expected.results[i].match);
  }
  expect(there.results[3].error.type).toBe('urn:doppel:problem:unusable-image');
  const file = await (await fetch(`${url}/v1/match`, formRequest())).json();
  expect(Math.abs(file.score - expected.results[0].score)).toBeLessThan(1e-4);
  for (const path of ['/healthz', '/readyz', '/v1/model', '/openapi.json']) {
    expect((await fetch(url + path)).status, path).toBe(200);
  }
});
