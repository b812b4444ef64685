/**
 * Bundles the page into `dist/page`: `index.html`, and `assets/` with a hash in each name, among them the model in the box and
 * tfjs's WebAssembly. Addresses are relative, so that the folder works at any path of any web space.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'dist/page');
const require = createRequire(join(root, 'package.json'));

const common = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  outdir: join(page, 'assets'),
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  conditions: ['source'],
  mainFields: ['browser', 'module', 'main'],
  // tfjs takes whatever has `process` for Node, and would ask for Node's modules.
  define: { process: 'undefined' },
  loader: { '.safetensors': 'file', '.wasm': 'file' },
  alias: { 'doppel-wasm': wasmBinary(), 'doppel-model': join(root, '../../models/s1s2-10m.safetensors') },
  external: ['sql.js/*', 'fs', 'path', 'crypto'], // of Node, and of a writer that the page does not call
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
};

function wasmBinary() {
  return join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), 'tfjs-backend-wasm-simd.wasm');
}

/** @returns names of the outputs by the names of their entries, and the packages within. */
async function bundle(entries, options = {}) {
  const { metafile } = await build({
    ...common,
    ...options,
    entryPoints: entries.map((name) => join(root, 'src/page', name)),
  });
  const outputs = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint ? [[basename(entryPoint), basename(path)]] : [],
  );
  return { outputs: Object.fromEntries(outputs), inputs: Object.keys(metafile.inputs) };
}

/** Texts of the licences of all packages that are bundled. */
function licencesOf(inputs) {
  const used = inputs.filter((path) => !path.includes('(disabled)'));
  const folders = new Set(used.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'license.md', 'LICENCE']
      .map((each) => join(folder, each))
      .find(existsSync);
    return `${name} ${version} (${license})\n\n${file ? readFileSync(file, 'utf8') : ''}`;
  });
  // Its package brings no text.
  if (used.some((path) => path.includes('codec-libjpeg-turbo')))
    texts.push(readFileSync(join(root, 'scripts/libjpeg_turbo_licence.txt'), 'utf8'));
  return `${texts.join(`\n${'-'.repeat(80)}\n`)}\n`;
}

rmSync(page, { recursive: true, force: true });
mkdirSync(page, { recursive: true });
const worker = await bundle(['worker.ts'], { splitting: true });
const main = await bundle(['main.tsx', 'style.css'], {
  define: { ...common.define, WORKER: JSON.stringify(worker.outputs['worker.ts']) },
});
const html = readFileSync(join(root, 'src/page/index.html'), 'utf8')
  .replace('./main.tsx', `./assets/${main.outputs['main.tsx']}`)
  .replace('./style.css', `./assets/${main.outputs['style.css']}`);
writeFileSync(join(page, 'index.html'), html);
cpSync(join(root, 'src/page/icon.svg'), join(page, 'assets/icon.svg'));
writeFileSync(join(page, 'assets/licences.txt'), licencesOf([...worker.inputs, ...main.inputs]));
