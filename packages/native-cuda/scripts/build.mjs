/**
 * Builds the addon with cmake-js where cmake and a C++ compiler are found. Where they are not, or the build fails, it says so
 * and ends well: doppel then runs on its other backends, and `doppel doctor` says why.
 *
 *     node scripts/build.mjs [--cuda] [--architectures 80,90 | --all-architectures] [--tests] [--require] [--install]
 *
 * The device `cuda` is part of it where nvcc is found and this machine has an NVIDIA driver, or with `--cuda`: for all
 * architectures, or for those named. `--tests` also builds the addon whose device `cuda` is the emulator, and `cuda` for one
 * architecture where nvcc is found. `--require` makes a failure an error. `--install` is the call of package managers: in a
 * checkout of the repository it does nothing, since the setup builds there.
 *
 * The library for MPI is built beside it (build_mpi.mjs).
 *
 * An addon of the same sources, compilers and options is left alone, or comes from the cache (build_cache.mjs).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keep, keyOf, takeFromCache } from './build_cache.mjs';
import { buildMpi } from './build_mpi.mjs';
import { ARCHITECTURES, architectureOfCard, findCompiler, findNvcc, hasDriver, works } from './build_tools.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(PACKAGE, 'build');
const NOTE = join(OUT, 'not-built.txt');
const flag = { type: 'boolean', default: false };
const { values: flags } = parseArgs({
  options: {
    ...{ cuda: flag, tests: flag, require: flag, install: flag },
    ...{ architectures: { type: 'string' }, 'all-architectures': flag },
  },
});

function leave(reason) {
  console.log(`The native addon is not built: ${reason}`);
  console.log(
    `doppel runs without it, on its slower backends. Install cmake (3.20 or later) and a C++20 compiler, then run \`node ${process.argv[1]}\`.`,
  );
  mkdirSync(OUT, { recursive: true });
  writeFileSync(NOTE, `${reason}\n`);
  process.exit(flags.require ? 1 : 0);
}

/** Architectures to build the device `cuda` for; none where it is left out. */
function wantedArchitectures() {
  if (flags.architectures) return flags.architectures.split(',');
  if (flags['all-architectures']) return ARCHITECTURES;
  if (!flags.cuda && !(nvcc && (flags.tests || hasDriver()))) return [];
  return flags.tests ? [architectureOfCard() ?? '90'] : ARCHITECTURES;
}

const nvcc = findNvcc();
const compiler = findCompiler();

/** A file to be built: its name, and what it is called in messages and in the cache. */
function addonFor(architectures) {
  const text =
    architectures.length > 0 ? `the native addon with cuda for ${architectures.join(', ')}` : 'the native addon';
  const key = keyOf({
    root: PACKAGE,
    folders: ['cc'],
    compiler,
    ...(architectures.length > 0 && { nvcc, architectures }),
  });
  return { target: 'doppel_native', file: join(OUT, 'Release/doppel_native.node'), text, key, architectures };
}

function emulatedAddon() {
  const key = keyOf({ root: PACKAGE, folders: ['cc', 'emulator'], compiler });
  const file = join(OUT, 'Release/doppel_emulated.node');
  return { target: 'doppel_emulated', file, text: 'the emulated addon', key, architectures: [] };
}

/** Keys of addons that have all that is wanted: one for more architectures serves, too. */
function sufficientKeys({ key, target, architectures }) {
  if (target === 'doppel_emulated') return [key];
  const larger = architectures.length === 0 ? [['90'], ARCHITECTURES] : [ARCHITECTURES];
  return [key, ...(nvcc ? larger.map((list) => addonFor(list).key) : [])];
}

function findBuildTools() {
  const require = createRequire(join(PACKAGE, 'package.json'));
  try {
    const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
    return { cmakeJs: join(folderOf('cmake-js'), 'bin/cmake-js'), addonApi: folderOf('node-addon-api') };
  } catch (cause) {
    return leave(`its build tools are not installed (${cause.message.split('\n')[0]}).`);
  }
}

/** The compilers' last lines where they fail. */
function compile({ cmakeJs, addonApi }, addons, architectures) {
  const options = {
    DOPPEL_NODE_ADDON_API: addonApi,
    DOPPEL_CUDA: architectures.length > 0 ? 'ON' : 'OFF',
    DOPPEL_EMULATED: addons.some(({ target }) => target === 'doppel_emulated') ? 'ON' : 'OFF',
    ...(architectures.length > 0 && { CMAKE_CUDA_COMPILER: nvcc, DOPPEL_CUDA_ARCHITECTURES: architectures.join(';') }),
  };
  const definitions = Object.entries(options).map(([name, value]) => `--CD${name}=${value}`);
  const common = ['--directory', PACKAGE, '--out', OUT, '--parallel', String(availableParallelism())];
  for (const step of [['configure'], ...addons.map(({ target }) => ['build', '--target', target])]) {
    const args = [cmakeJs, ...step, ...common, ...definitions];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
    if (status !== 0) return `${stdout}\n${stderr}`.split('\n').slice(-40).join('\n');
  }
  return undefined;
}

if (flags.install && existsSync(join(PACKAGE, '../../pnpm-workspace.yaml'))) process.exit(0);
buildMpi();
const architectures = wantedArchitectures();
const all = [addonFor(architectures), ...(flags.tests ? [emulatedAddon()] : [])];
let missing = all.filter((addon) => !takeFromCache(addon.file, sufficientKeys(addon)));
if (missing.length > 0) {
  if (!works('cmake')) leave('cmake was not found.');
  if (!compiler) leave('no C++ compiler was found (tried $CXX, c++, g++ and clang++).');
  const tools = findBuildTools();
  console.log(`Building ${missing.map(({ text }) => text).join(' and ')} …`);
  const started = Date.now();
  let errors = compile(tools, missing, architectures);
  if (errors && architectures.length > 0 && !flags.require) {
    console.error(
      `${errors}\nThe device cuda is left out: nvcc, or the compiler that it calls, reported the errors above.`,
    );
    missing = missing.map((addon) => (addon.architectures.length > 0 ? addonFor([]) : addon));
    errors = compile(tools, missing, []);
  }
  if (errors) {
    console.error(errors);
    leave('the compiler reported the errors above.');
  }
  for (const { file, key } of missing) {
    if (!existsSync(file)) leave(`the build left no ${file}.`);
    keep(file, key);
  }
  console.log(
    `Built ${missing.map(({ text }) => text).join(' and ')} in ${Math.round((Date.now() - started) / 1000)} s`,
  );
}
rmSync(NOTE, { force: true });
