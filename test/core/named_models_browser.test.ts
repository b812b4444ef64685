/**
 * The model in the box where there are no files: code and checkpoint come over HTTP from one server, as in a browser. Deno
 * stands in for it, with no permission but the network.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { openNamedModel } from '../../packages/core/src/model.ts';
import { DEFAULT_MODEL, MODELS } from '../../packages/core/src/named_models.ts';
import { noisePatch } from '../server/tiny_model.mjs';

const DENO = join(createRequire(import.meta.url).resolve('deno/package.json'), '../deno');
const SIDE = 32; // the backend cpu is slow
const SAMPLES = noisePatch(1, SIDE).samples;

/** The page's program. */
const APP = `
  import { openNamedModel } from './packages/core/src/index.ts';
  import { platformHere, selectBackend } from './packages/core/src/backends/index.ts';
  platformHere(); // a browser has one of tfjs's own
  const samples = ${JSON.stringify(SAMPLES)};
  const patch = (bands) => ({ width: ${SIDE}, height: ${SIDE}, bands, unit: 'digital number',
    data: Float32Array.from({ length: samples.length * bands }, (_, i) => samples[Math.floor(i / bands)]) });
  await selectBackend({ requested: 'cpu' });
  const model = await openNamedModel();
  const [{ score }] = await model.score([{ sar: patch(1), optical: patch(3) }]);
  console.log(JSON.stringify({ fingerprint: model.info.fingerprint, score }));
`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: APP, resolveDir: new URL('../..', import.meta.url).pathname, loader: 'ts' },
    ...{ bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'error' },
    ...{ conditions: ['source'], mainFields: ['browser', 'module', 'main'], define: { process: 'undefined' } },
  });
  return outputFiles[0]!.text;
}

it('is fetched from beside the code, and scores as on Node', { timeout: 120_000 }, async () => {
  const files: Record<string, string | Buffer> = {
    '/site/assets/app.js': await bundle(),
    [`/site/${DEFAULT_MODEL}.safetensors`]: readFileSync(MODELS.get(DEFAULT_MODEL).checkpoint()),
  };
  const server = createServer(({ url }, response) => {
    const type = url?.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
    response.writeHead(files[url!] ? 200 : 404, { 'content-type': type }).end(files[url!]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const net = [`--allow-net=${host}`, `--allow-import=${host}`];
    const args = [
      'run',
      '--no-prompt',
      '--no-config',
      '--no-lock',
      '--reload',
      ...net,
      `http://${host}/site/assets/app.js`,
    ];
    const { stdout } = await promisify(execFile)(DENO, args);
    await selectBackend({ requested: 'cpu' });
    const model = await openNamedModel();
    const patch = (bands: number) => ({
      ...{ width: SIDE, height: SIDE, bands, unit: 'digital number' as const },
      data: Float32Array.from({ length: SAMPLES.length * bands }, (_, i) => SAMPLES[Math.floor(i / bands)]!),
    });
    const [here] = await model.score([{ sar: patch(1), optical: patch(3) }]);
    const there = JSON.parse(stdout);
    expect(there.fingerprint).toBe(model.info.fingerprint);
    expect(there.score).toBeCloseTo(here!.score, 5);
    model.dispose();
  } finally {
    server.close();
  }
});
