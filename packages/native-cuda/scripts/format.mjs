/**
 * Holds C++ and CUDA against .clang-format; with `--write` it formats them. Where clang-format is missing it says so and ends
 * well: no other check depends on it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { works } from './build_tools.mjs';
import { PACKAGE, ROOT, run } from './run.mjs';

if (!works('clang-format')) {
  console.log('The format of C++ and CUDA is not checked: clang-format was not found (Debian: clang-format).');
  process.exit(0);
}
const folders = ['cc', 'emulator', 'mpi'].map((name) => join(PACKAGE, name));
const tests = join(ROOT, 'test/native-cuda');
const files = [...folders, ...(existsSync(tests) ? [tests] : [])].flatMap((folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => /\.(cc|cu|cuh|h)$/.test(name))
    .map((name) => join(folder, name)),
);
const style = `--style=file:${join(PACKAGE, '.clang-format')}`;
if (process.argv.includes('--write')) run('clang-format', [style, '-i', ...files]);
else {
  const { status, stderr } = spawnSync('clang-format', [style, '--dry-run', '-Werror', ...files], { encoding: 'utf8' });
  const faulty = new Set(stderr.split('\n').flatMap((line) => /^(\S+?):\d+:\d+: error/.exec(line)?.[1] ?? []));
  for (const file of faulty) console.error(`Not formatted: ${file}`);
  if (status !== 0) console.error('Run `pnpm --filter @doppel/native-cuda format`.');
  process.exitCode = status ?? 1;
}
