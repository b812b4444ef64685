/** The program that `sanitize.mjs` builds and runs: it takes minutes, but it must compile with the headers as they are. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findCompiler } from '../../packages/native-cuda/scripts/build_tools.mjs';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const compiler = findCompiler();

it('compiles', ({ skip }) => {
  if (!compiler) return skip('no C++ compiler was found');
  const include = `-I${pathOf('../../packages/native-cuda/cc')}`;
  const words = ['-std=c++20', '-fsyntax-only', include, pathOf('stress.cc')];
  const { status, stderr } = spawnSync(compiler, words, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
});
