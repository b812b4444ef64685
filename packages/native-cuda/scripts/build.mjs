/**
 * Builds the addon with cmake-js where cmake and a C++ compiler are found. Where they are not, or the build fails, it says so
 * and ends well: doppel then runs on its other backends, and `doppel doctor` says why.
 *
 *     node scripts/build.mjs [--cuda] [--architectures 80,90 | --all-architectures] [--tests] [--require] [--install]
 *
 * The device `cuda` is part of it where nvcc is found and this machine has an NVIDIA driver, or with `--cuda`: for all
 * architectures, or for those named. `--tests` also builds the addon whose device `cuda` is the emulator, and `cuda` for one
 * architecture where nvcc is found. `--require` makes a failure an error. `--install` is npm's call: in a checkout of the
 * repository it does nothing, since its setup builds.
 *
 * An addon of the same sources, compilers and options is left alone, or comes from the cache (build_cache.mjs).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keep, keyOf, takeFromCache } from './build_cache.mjs';
import { ARCHITECTURES, architectureOfCard, findCompiler, findNvcc, hasDriver, works } from './build_tools.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(PACKAGE, 'build');
const NOTE = join(OUT, 'not-built.txt');
const flag = (name) => process.argv.includes(name);
const fileOf = (target) => join(OUT, 'Release', `${target}.node`);

function leave(reason) {
  console.log(`The native addon is not built: ${reason}`);
  console.log(
    `doppel runs without it, on its slower backends. Install cmake (3.20 or later) and a C++20 compiler, then run \`node ${process.argv[1]}\`.`,
  );
  mkdirSync(OUT, { recursive: true });
  writeFileSync(NOTE, `${reason}\n`);
  process.exit(flag('--require') ? 1 : 0);
}

/** Architectures to build the device `cuda` for; none where it is left out. */
function wantedArchitectures() {
  const isNamed = flag('--all-architectures') || flag('--architectures');
  if (!isNamed && !flag('--cuda') && !(nvcc && (flag('--tests') || hasDriver()))) return [];
  if (flag('--architectures')) return process.argv[process.argv.indexOf('--architectures') + 1].split(',');
  return flag('--tests') && !flag('--all-architectures') ? [architectureOfCard() ?? '90'] : ARCHITECTURES;
}

const nvcc = findNvcc();
const compiler = findCompiler();
const keyFor = (target, architectures) =>
  keyOf({ root: PACKAGE, target, architectures, compiler, nvcc: architectures.length > 0 ? nvcc : undefined });

/** What is to be built: a target of CMake, and of which keys it may be. */
function targets() {
  const architectures = wantedArchitectures();
  const sufficient = architectures.length === 0 ? [[], ['90'], ARCHITECTURES] : [architectures, ARCHITECTURES];
  const native = {
    target: 'doppel_native',
    architectures,
    keys: sufficient.map((list) => keyFor('doppel_native', list)),
  };
  const emulated = { target: 'doppel_emulated', architectures: [], keys: [keyFor('doppel_emulated', [])] };
  return flag('--tests') ? [native, emulated] : [native];
}

/** Ends with the compilers' last lines where they fail. */
function compile(wanted, architectures) {
  const options = {
    DOPPEL_NODE_ADDON_API: addonApi,
    DOPPEL_CUDA: architectures.length > 0 ? 'ON' : 'OFF',
    DOPPEL_EMULATED: wanted.some(({ target }) => target === 'doppel_emulated') ? 'ON' : 'OFF',
    ...(architectures.length > 0 && { CMAKE_CUDA_COMPILER: nvcc, DOPPEL_CUDA_ARCHITECTURES: architectures.join(';') }),
  };
  const definitions = Object.entries(options).map(([name, value]) => `--CD${name}=${value}`);
  const common = ['--directory', PACKAGE, '--out', OUT, '--parallel', String(availableParallelism())];
  const steps = [['configure'], ...wanted.map(({ target }) => ['build', '--target', target])];
  for (const step of steps) {
    const args = [cmakeJs, ...step, ...common, ...definitions];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
    if (status !== 0) return `${stdout}\n${stderr}`.split('\n').slice(-40).join('\n');
  }
  return undefined;
}

if (flag('--install') && existsSync(join(PACKAGE, '../../pnpm-workspace.yaml'))) process.exit(0);
const wanted = targets().filter(({ target, keys }) => !takeFromCache(fileOf(target), keys));
if (wanted.length === 0) {
  rmSync(NOTE, { force: true });
  process.exit(0);
}
if (!works('cmake')) leave('cmake was not found.');
if (!compiler) leave('no C++ compiler was found (tried $CXX, c++, g++ and clang++).');

const require = createRequire(join(PACKAGE, 'package.json'));
let cmakeJs;
let addonApi;
try {
  cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js');
  addonApi = dirname(require.resolve('node-addon-api/package.json'));
} catch (cause) {
  leave(`its build tools are not installed (${cause.message.split('\n')[0]}).`);
}

let { architectures } = wanted[0];
const describe = ({ target }) =>
  target === 'doppel_emulated'
    ? 'the emulated addon'
    : ['the native addon', architectures.length > 0 ? `with cuda for ${architectures.join(', ')}` : '']
        .join(' ')
        .trim();
console.log(`Building ${wanted.map(describe).join(' and ')} …`);
const started = Date.now();
let errors = compile(wanted, architectures);
if (errors && architectures.length > 0 && !flag('--require')) {
  console.error(
    `${errors}\nThe device cuda is left out: nvcc, or the compiler that it calls, reported the errors above.`,
  );
  architectures = [];
  errors = compile(wanted, architectures);
}
if (errors) {
  console.error(errors);
  leave('the compiler reported the errors above.');
}
for (const { target, architectures: own } of wanted) {
  if (!existsSync(fileOf(target))) leave(`the build left no ${fileOf(target)}.`);
  keep(fileOf(target), keyFor(target, own.length > 0 ? architectures : []));
}
rmSync(NOTE, { force: true });
console.log(
  `Built ${wanted.map(({ target }) => fileOf(target)).join(', ')} in ${Math.round((Date.now() - started) / 1000)} s`,
);
