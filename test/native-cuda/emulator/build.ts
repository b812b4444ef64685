/**
 * Builds the emulator of CUDA with its test kernels, by the host's C++ compiler, and the kernels by nvcc too where it is
 * found. Objects are kept by the hash of what they come from, so that a second run compiles nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cuda = join(root, 'packages/native-cuda/cc/cuda');
const emulator = join(root, 'packages/native-cuda/emulator');
const here = join(root, 'test/native-cuda/emulator');
const out = join(root, 'packages/native-cuda/build/emulator');

const standard = ['-std=c++20', '-O2'];
const hostFlags = [
  ...standard,
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unknown-pragmas',
  '-DDOPPEL_EMULATED',
  '-x',
  'c++',
];
const architectures = ['80', '90'];
const nvccFlags = [
  ...standard,
  ...['--Werror', 'all-warnings', '-Xcompiler', '-Wall,-Wextra,-Werror'],
  ...architectures.flatMap((sm) => ['-gencode', `arch=compute_${sm},code=sm_${sm}`]),
];

function firstThatRuns(programs: readonly string[]): string | undefined {
  return programs.find((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0);
}

export const hostCompiler = firstThatRuns(process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++']);
export const nvcc = firstThatRuns(['nvcc', '/usr/local/cuda/bin/nvcc']);

function filesIn(folder: string, ...endings: string[]): string[] {
  return readdirSync(folder)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => join(folder, name));
}

function headers(): string[] {
  return [cuda, emulator, join(cuda, 'nvcc'), here].flatMap((folder) => filesIn(folder, '.h', '.cuh'));
}

function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${program} ${args.join(' ')} failed:\n${error ?? ''}${stdout}\n${stderr}`);
}

/** Compiles the source unless that was done before; older objects of the same source go. */
function compile(program: string, flags: readonly string[], source: string, ending: string): string {
  const hash = createHash('sha256').update([program, ...flags].join(' '));
  for (const file of [...headers(), source]) hash.update(file.slice(root.length)).update(readFileSync(file));
  const object = join(out, `${basename(source)}.${hash.digest('hex').slice(0, 16)}${ending}`);
  if (existsSync(object)) return object;
  for (const old of filesIn(out, ending)) {
    if (basename(old).startsWith(`${basename(source)}.`)) rmSync(old);
  }
  run(program, [...flags, '-c', source, '-o', object]);
  return object;
}

/** The program that runs the emulator's cases. */
export function buildEmulator(): string {
  if (!hostCompiler) throw new Error('no C++ compiler was found');
  mkdirSync(out, { recursive: true });
  const sources = [
    ...filesIn(emulator, '.cc').filter((file) => basename(file) !== 'open.cc'),
    ...filesIn(here, '.cc', '.cu'),
  ];
  const objects = sources.map((source) => compile(hostCompiler, hostFlags, source, '.host.o'));
  const program = join(out, 'emulator');
  const stamp = `${program}.objects`;
  const wanted = objects.join('\n');
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return program;
  run(hostCompiler, [...objects, '-o', program]);
  writeFileSync(stamp, wanted);
  return program;
}

/** Compiles the same kernels for cards; a warning is an error. Gives the sources that it compiled. */
export function compileForCards(): string[] {
  if (!nvcc) throw new Error('nvcc was not found');
  mkdirSync(out, { recursive: true });
  const sources = filesIn(here, '.cu');
  for (const source of sources) compile(nvcc, nvccFlags, source, '.nvcc.o');
  return sources.map((source) => basename(source));
}
