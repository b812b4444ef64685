/**
 * Builds the library that binds MPI, where mpicxx of Open MPI or MPICH is found: a second to compile, and of the machine's
 * own MPI, so that it is in no cache. Where it cannot be built it says so and ends well: `doppel train` then runs in one
 * process, and `doppel doctor` says why. Run as a script it always builds, such as after a change of MPI.
 *
 *     node scripts/build_mpi.mjs [--compiler mpicxx.mpich] [--out FILE]
 *
 * `--out` keeps a library for another MPI beside the first; DOPPEL_MPI_LIBRARY names it to doppel.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { works } from './build_tools.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(PACKAGE, 'mpi/communicator.cc');
const OUT = join(PACKAGE, 'build/Release/doppel_mpi.node');
const NOTE = join(PACKAGE, 'build/mpi-not-built.txt');

function headers() {
  const require = createRequire(join(PACKAGE, 'package.json'));
  const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
  return [folderOf('node-addon-api'), join(folderOf('node-api-headers'), 'include')].flatMap((path) => [
    '-isystem',
    path,
  ]);
}

/** @returns the reason why there is no library, undefined where there is one. */
function build(compiler, out) {
  if (!works(compiler)) return `${compiler} was not found`;
  let include;
  try {
    include = headers();
  } catch (cause) {
    return `its build tools are not installed (${cause.message.split('\n')[0]})`;
  }
  const partial = `${out}.${process.pid}`;
  const options = [
    '-std=c++20',
    '-O3',
    '-shared',
    '-fPIC',
    '-fvisibility=hidden',
    '-static-libstdc++',
    '-static-libgcc',
  ];
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  const definitions = ['NAPI_VERSION=8', 'NODE_ADDON_API_CPP_EXCEPTIONS', 'OMPI_SKIP_MPICXX', 'MPICH_SKIP_MPICXX'];
  const args = [...options, ...warnings, ...definitions.map((name) => `-D${name}`), ...include, SOURCE, '-o', partial];
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status === 0) renameSync(partial, out);
  return status === 0 ? undefined : `${compiler} failed: ${stderr.trim().split('\n').slice(0, 3).join(' ')}`;
}

/** Builds the library where it is missing or older than its source. */
export function buildMpi() {
  if (existsSync(OUT) && statSync(OUT).mtimeMs > statSync(SOURCE).mtimeMs) return;
  rebuild('mpicxx', OUT);
}

/** @returns whether there is a library now. */
function rebuild(compiler, out) {
  mkdirSync(dirname(out), { recursive: true });
  rmSync(out, { force: true }); // a stale one would be loaded where this fails
  const reason = build(compiler, out);
  if (out === OUT && reason) writeFileSync(NOTE, `${reason}\n`);
  if (out === OUT && !reason) rmSync(NOTE, { force: true });
  console.log(reason ? `The library for MPI is not built: ${reason}.` : 'Built the library for MPI');
  return !reason;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: { compiler: { type: 'string', default: 'mpicxx' }, out: { type: 'string', default: OUT } },
  });
  if (!rebuild(values.compiler, resolve(values.out))) process.exitCode = 1;
}
