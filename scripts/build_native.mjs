/**
 * Builds the addon of packages/native-cuda with cmake-js where cmake and a C++ compiler are found. Where they are not, or
 * the build fails, it says so and ends well: doppel then runs on its other backends, and `doppel doctor` says why.
 *
 * `--require` makes a failure an error.
 * An addon that is newer than its sources is left alone.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './run.mjs';

const PACKAGE = join(ROOT, 'packages/native-cuda');
const required = process.argv.includes('--require');
const out = join(PACKAGE, 'build');
const stamp = join(out, 'sources.sha256');
const addon = join(out, 'Release/doppel_native.node');

function leave(reason) {
  console.log(`The native addon is not built: ${reason}`);
  console.log(
    'doppel runs without it, on its slower backends. Install cmake (3.18 or later) and a C++20 compiler, then run `pnpm build:native`.',
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

const wanted = fingerprint();
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);
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

console.log('Building the native addon …');
const common = ['--directory', ROOT, '--out', out, '--parallel', String(availableParallelism())];
const definitions = [`--CDDOPPEL_NODE_ADDON_API=${headers}`];
const started = Date.now();
for (const step of ['configure', 'build']) {
  const args = [cmakeJs, step, ...common, ...definitions];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE, encoding: 'utf8' });
  if (status === 0) continue;
  console.error(`${stdout}\n${stderr}`.split('\n').slice(-40).join('\n'));
  leave('the compiler reported the errors above.');
}
if (!existsSync(addon)) leave(`the build left no ${addon}.`);
writeFileSync(stamp, wanted);
console.log(`Built ${addon.slice(ROOT.length)} in ${Math.round((Date.now() - started) / 1000)} s`);
