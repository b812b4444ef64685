/**
 * Makes one archive that checks the backend `cuda` on a machine with a card and without network, npm or Node:
 *
 *     node scripts/pack_gpu_check.mjs [--golden FOLDER]… [--out doppel-gpu-check.tar.xz] [--fast]
 *
 * In it: Node (from its npm package, stripped), the tests of the device and the commands `doctor`, `verify` and `bench` as bundled
 * JavaScript, the addon's sources, reference values, and `run.sh` (test/gpu_check). `--fast` packs sooner, and larger.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { ROOT } from './run.mjs';

const { values: flags } = parseArgs({
  options: {
    golden: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: 'doppel-gpu-check.tar.xz' },
    fast: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log('node scripts/pack_gpu_check.mjs [--golden FOLDER]… [--out doppel-gpu-check.tar.xz] [--fast]');
  process.exit();
}
/** Version of the Node that is packed, and where npm has its builds. */
const NODE = `node-linux-${process.arch}@20.20.2`;
const NAME = 'doppel-gpu-check';
/** Bytes of reference values, which hardly compress. */
const MOST_GOLDEN = 13e6;

const home = mkdtempSync(join(tmpdir(), `${NAME}-`));
const folder = join(home, NAME);
mkdirSync(folder);
try {
  await bundle(join(folder, 'native-cuda/check'));
  copySources(join(folder, 'native-cuda'));
  copyNode();
  copyGolden(join(folder, 'golden'));
  for (const file of ['run.sh', 'torch_peer.py']) cpSync(join(ROOT, 'test/gpu_check', file), join(folder, file));
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  pack(resolve(flags.out));
} finally {
  rmSync(home, { recursive: true });
}

/** Suites, commands and the program that runs them, in one flat folder: the addon is found from there. */
async function bundle(outdir) {
  await build({
    entryPoints: {
      suites: join(ROOT, 'test/gpu_check/suites.ts'),
      check: join(ROOT, 'test/gpu_check/check.ts'),
      main: join(ROOT, 'packages/cli/src/main.ts'),
    },
    ...{ outdir, bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ conditions: ['source'], outExtension: { '.js': '.mjs' }, logLevel: 'error' },
    alias: { vitest: join(ROOT, 'test/gpu_check/vitest.ts') },
    // Programs of their own for images and servers, which the commands that are called here do without.
    external: ['@tensorflow/tfjs-backend-wasm', '@resvg/resvg-js', 'sql.js', 'onnxruntime-*'],
    banner: {
      js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
    },
  });
}

function copySources(to) {
  const from = join(ROOT, 'packages/native-cuda');
  for (const name of ['cc', 'emulator', 'CMakeLists.txt'])
    cpSync(join(from, name), join(to, name), { recursive: true });
  const require = createRequire(join(from, 'package.json'));
  const addonApi = dirname(require.resolve('node-addon-api/package.json'));
  const headers = join(folder, 'headers/node-addon-api');
  mkdirSync(headers, { recursive: true });
  for (const name of readdirSync(addonApi).filter((each) => /\.h$|LICENSE/.test(each))) {
    cpSync(join(addonApi, name), join(headers, name));
  }
}

/** Node and the headers of its API. */
function copyNode() {
  execFileSync('npm', ['pack', '--silent', NODE, '--pack-destination', home], { cwd: home });
  const tarball = readdirSync(home).find((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['xzf', join(home, tarball), '-C', home]);
  const node = join(folder, 'node');
  cpSync(join(home, 'package/bin/node'), node);
  chmodSync(node, 0o755);
  if (spawnSync('strip', [node]).status !== 0)
    console.error('strip was not found: the archive is larger than it need be.');
  const headers = join(folder, 'headers/node');
  mkdirSync(headers, { recursive: true });
  for (const name of readdirSync(join(home, 'package/include/node')).filter((each) =>
    /^(js_native|node)_api/.test(each),
  )) {
    cpSync(join(home, 'package/include/node', name), join(headers, name));
  }
  cpSync(join(home, 'package/LICENSE'), join(folder, 'LICENSE.node'));
}

/** Reference values of all folders in one; where they are too many bytes, without the largest of kinds that have others. */
function copyGolden(to) {
  mkdirSync(to);
  const cases = flags.golden.flatMap((from) =>
    readdirSync(from)
      .filter((name) => name.endsWith('.safetensors'))
      .map((name) => ({ name, path: join(from, name), bytes: statSync(join(from, name)).size, kind: kindOf(name) })),
  );
  if (cases.length === 0) {
    console.error(
      'No reference values are packed, so the part "reference values" will fail: name them by --golden FOLDER.',
    );
  }
  const kept = new Set(cases);
  const total = () => [...kept].reduce((sum, { bytes }) => sum + bytes, 0);
  for (const each of cases.toSorted((a, b) => b.bytes - a.bytes)) {
    if (total() <= MOST_GOLDEN) break;
    if ([...kept].some((other) => other !== each && other.kind === each.kind)) kept.delete(each);
  }
  for (const { name, path } of kept) cpSync(path, join(to, name));
  const left = cases.filter((each) => !kept.has(each)).map(({ name }) => name);
  if (left.length > 0) console.log(`left out, as the archive would be too large: ${left.join(', ')}`);
}

/** `conv-03.safetensors` → `conv` */
function kindOf(name) {
  return name.replace(/(-\d+)?\.safetensors$/, '');
}

function pack(out) {
  const partial = `${out}.${process.pid}.tmp`;
  const xz = flags.fast ? 'xz -1 -T0' : 'xz -9e';
  execFileSync('tar', [`--use-compress-program=${xz}`, '-cf', partial, '--owner=0', '--group=0', '-C', home, NAME]);
  renameSync(partial, out);
  console.log(`${basename(out)}: ${(statSync(out).size / 2 ** 20).toFixed(1)} MB`);
}
