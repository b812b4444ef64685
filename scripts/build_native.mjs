/**
 * Builds the addon of packages/native-cuda with cmake-js where cmake and a C++ compiler are found. Where they are not, or
 * the build fails, it says so and ends well: doppel then runs on its other backends, and `doppel doctor` says why.
 *
 * The device `cuda` is part of it where nvcc is found and this machine has an NVIDIA driver, or with `--cuda`: five
 * architectures take minutes to compile. `--tests` also builds the addon whose device `cuda` is the emulator, and implies
 * `--cuda` where nvcc is found. `--require` makes a failure an error.
 * An addon that is newer than its sources, and has all that is wanted, is left alone.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './run.mjs';

const PACKAGE = join(ROOT, 'packages/native-cuda');
const flag = (name) => process.argv.includes(name);
const required = flag('--require');
const out = join(PACKAGE, 'build');
const stamp = join(out, 'sources.sha256');
const addon = join(out, 'Release/doppel_native.node');
const emulated = join(out, 'Release/doppel_emulated.node');

function leave(reason) {
  console.log(`The native addon is not built: ${reason}`);
  console.log(
    'doppel runs without it, on its slower backends. Install cmake (3.20 or later) and a C++20 compiler, then run `pnpm build:native`.',
  );
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'not-built.txt'), `${reason}\n`);
  process.exit(required ? 1 : 0);
}

function works(program) {
  const { status, error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return !error && status === 0;
}

/** Changes with every source, and the choice of a compiler. */
function fingerprint() {
  const hash = createHash('sha256');
  hash.update(`${process.env.CXX ?? ''} ${process.arch}`);
  const sources = readdirSync(join(PACKAGE, 'cc'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of [join(ROOT, 'CMakeLists.txt'), join(PACKAGE, 'package.json'), ...sources]) {
    hash.update(file.slice(ROOT.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** CMake needs its path where it is not on PATH. */
function findNvcc() {
  return ['nvcc', '/usr/local/cuda/bin/nvcc', process.env.CUDACXX ?? ''].find((program) => program && works(program));
}

const hasDriver = () => ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'].some((file) => existsSync(file));

/** What is to be built: "cuda" and "emulated", or neither. */
function wantedParts(nvcc) {
  const cuda = flag('--cuda') || (nvcc && (flag('--tests') || hasDriver()));
  return [...(cuda ? ['cuda'] : []), ...(flag('--tests') ? ['emulated'] : [])];
}

/** The parts that the last build had, if it was of these sources. */
function builtParts() {
  if (!existsSync(addon) || !existsSync(stamp)) return undefined;
  const [hash, ...parts] = readFileSync(stamp, 'utf8').trim().split(' ');
  return hash === fingerprint() ? parts : undefined;
}

const nvcc = findNvcc();
const parts = wantedParts(nvcc);
const built = builtParts();
if (built && parts.every((part) => built.includes(part))) process.exit(0);
if (!works('cmake')) leave('cmake was not found.');
const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
if (!compilers.some(works)) leave(`no C++ compiler was found (tried ${compilers.join(', ')}).`);

const require = createRequire(join(PACKAGE, 'package.json'));
let cmakeJs;
let headers;
try {
  cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js');
  headers = dirname(require.resolve('node-addon-api/package.json'));
} catch (cause) {
  leave(`its build tools are not installed (${cause.message.split('\n')[0]}).`);
}

const common = ['--directory', ROOT, '--out', out, '--parallel', String(availableParallelism())];

/** The compilers' last lines where they fail. */
function build(parts) {
  const options = {
    DOPPEL_NODE_ADDON_API: headers,
    DOPPEL_CUDA: parts.includes('cuda') ? 'ON' : 'OFF',
    DOPPEL_EMULATED: parts.includes('emulated') ? 'ON' : 'OFF',
    ...(parts.includes('cuda') && nvcc && { CMAKE_CUDA_COMPILER: nvcc }),
  };
  const definitions = Object.entries(options).map(([name, value]) => `--CD${name}=${value}`);
  for (const step of ['configure', 'build']) {
    const args = [cmakeJs, step, ...common, ...definitions];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
    if (status !== 0) return `${stdout}\n${stderr}`.split('\n').slice(-40).join('\n');
  }
  return undefined;
}

console.log(`Building the native addon${parts.length > 0 ? ` with ${parts.join(' and ')}` : ''} …`);
const started = Date.now();
let made = parts;
let errors = build(made);
if (errors && made.includes('cuda') && !required) {
  console.error(
    `${errors}\nThe device cuda is left out: nvcc, or the compiler that it calls, reported the errors above.`,
  );
  made = made.filter((part) => part !== 'cuda');
  errors = build(made);
}
if (errors) {
  console.error(errors);
  leave('the compiler reported the errors above.');
}
for (const file of made.includes('emulated') ? [addon, emulated] : [addon]) {
  if (!existsSync(file)) leave(`the build left no ${file}.`);
}
writeFileSync(stamp, [fingerprint(), ...made].join(' '));
console.log(`Built ${addon.slice(ROOT.length)} in ${Math.round((Date.now() - started) / 1000)} s`);
