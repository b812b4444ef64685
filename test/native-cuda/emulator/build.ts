/**
 * Builds the emulator of CUDA with its test kernels, by the host's C++ compiler, and the kernels by nvcc too if it is found.
 * What was built of the same sources before, in any checkout on this machine, is not built again.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keep, keyOf, takeFromCache } from '../../../packages/native-cuda/scripts/build_cache.mjs';
import { findCompiler, findNvcc } from '../../../packages/native-cuda/scripts/build_tools.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const emulator = join(root, 'packages/native-cuda/emulator');
const here = join(root, 'test/native-cuda/emulator');
const out = join(root, 'packages/native-cuda/build/emulator');
const folders = ['packages/native-cuda/emulator', 'packages/native-cuda/cc/cuda', 'test/native-cuda/emulator'];

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

export const hostCompiler = findCompiler();
export const nvcc = findNvcc();

function filesIn(folder: string, ...endings: string[]): string[] {
  return readdirSync(folder)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => join(folder, name));
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args);
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} failed:\n${Buffer.concat(output)}`)),
    );
  });
}

/** Compiles the sources, as many at once as there are processors. @returns their objects. */
async function compile(
  program: string,
  flags: readonly string[],
  sources: readonly string[],
  ending: string,
): Promise<string[]> {
  const objectOf = (source: string) => join(out, `${basename(source)}${ending}`);
  const waiting = [...sources];
  const worker = async () => {
    for (let source = waiting.shift(); source; source = waiting.shift())
      await run(program, [...flags, '-c', source, '-o', objectOf(source)]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return sources.map(objectOf);
}

/** @returns what to include instead of the header, first of all. */
async function precompile(compiler: string, header: string): Promise<string> {
  mkdirSync(out, { recursive: true });
  const wrapper = join(out, basename(header));
  writeFileSync(wrapper, `#include "${header}"\n`);
  await compile(compiler, [...hostFlags, '-x', 'c++-header'], [wrapper], '.gch');
  return wrapper;
}

/** The program that runs the emulator's cases. */
export async function buildEmulator(): Promise<string> {
  if (!hostCompiler) throw new Error('no C++ compiler was found');
  const program = join(out, 'emulator');
  const key = keyOf({ root, folders, compiler: hostCompiler });
  if (takeFromCache(program, [key])) return program;
  const header = await precompile(hostCompiler, join(emulator, 'cuda.h'));
  const kernel = filesIn(emulator, '.cc').filter((file) => basename(file) !== 'open.cc');
  const objects = await compile(
    hostCompiler,
    [...hostFlags, '-include', header],
    [...kernel, ...filesIn(here, '.cc', '.cu')],
    '.host.o',
  );
  await run(hostCompiler, [...objects, '-o', program]);
  keep(program, key);
  return program;
}

/** Compiles the same kernels for cards; a warning is an error. @returns the sources that were compiled. */
export async function compileForCards(): Promise<string[]> {
  if (!nvcc) throw new Error('nvcc was not found');
  mkdirSync(out, { recursive: true });
  const sources = filesIn(here, '.cu');
  const done = join(out, 'compiled-for-cards');
  const key = keyOf({ root, folders, nvcc, architectures });
  if (!takeFromCache(done, [key])) {
    await compile(nvcc, nvccFlags, sources, '.nvcc.o');
    writeFileSync(done, sources.join('\n'));
    keep(done, key);
  }
  return sources.map((source) => basename(source));
}
