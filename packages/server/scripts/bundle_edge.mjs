/**
 * Bundles the server, a checkpoint and tfjs's WebAssembly into one file, for runtimes without a file system. The file
 * exports `{ fetch }`, as `deno serve` and the usual edge hosts expect.
 *
 * Usage: node packages/server/scripts/bundle_edge.mjs [--model MODEL] --out edge.js [--backend wasm|cpu]
 *
 * MODEL is the name of a model in the box, or the file of a checkpoint.
 */
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DEFAULT_MODEL, MODELS } from '@doppel/core';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** @param model name of a model in the box, else a path. */
const fileOf = (model) => (MODELS.has(model) ? fileURLToPath(MODELS.get(model).checkpoint()) : resolve(model));

function wasmBinary() {
  const core = createRequire(join(here, '../../core/package.json'));
  return join(dirname(core.resolve('@tensorflow/tfjs-backend-wasm')), 'tfjs-backend-wasm-simd.wasm');
}

/** @param entry program of the bundle; it may import "doppel:model" and "doppel:wasm" (bytes, or undefined for cpu). */
export async function bundleEdge({ model = DEFAULT_MODEL, out, backend = 'wasm', entry = defaultEntry(model) }) {
  const files = { 'doppel:model': fileOf(model), 'doppel:wasm': backend === 'wasm' ? wasmBinary() : undefined };
  const embed = {
    name: 'embed',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^doppel:/ }, ({ path }) =>
        files[path] ? { path: files[path], namespace: 'bytes' } : { path, namespace: 'nothing' },
      );
      onLoad({ filter: /.*/, namespace: 'bytes' }, async ({ path }) => {
        const { readFile } = await import('node:fs/promises');
        return { contents: await readFile(path), loader: 'binary' };
      });
      onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'export default undefined;' }));
    },
  };
  await build({
    stdin: { contents: entry, resolveDir: join(here, '../src/runtime'), loader: 'ts' },
    plugins: [embed],
    outfile: out,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['source'],
    mainFields: ['browser', 'module', 'main'],
    external: ['fs', 'path'], // of a decoder, which asks for them on Node only
    // tfjs takes any runtime that has `process` for Node, and would ask for Node's modules.
    define: { process: 'undefined' },
    legalComments: 'none',
    logLevel: 'error',
    minify: true,
  });
}

function defaultEntry(model) {
  return `
    import { createEdgeHandler } from './edge.ts';
    import model from 'doppel:model';
    import wasm from 'doppel:wasm';
    const name = ${JSON.stringify(basename(model))};
    export default { fetch: createEdgeHandler({ model, wasm, name, log: (line) => console.error(line) }) };
  `;
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  const { values } = parseArgs({
    options: { model: { type: 'string' }, out: { type: 'string' }, backend: { type: 'string', default: 'wasm' } },
  });
  if (!values.out || !['wasm', 'cpu'].includes(values.backend)) {
    console.error('Usage: bundle_edge.mjs [--model MODEL] --out FILE [--backend wasm|cpu]');
    process.exit(2);
  }
  await bundleEdge(values);
}
