/**
 * Test files share a process and its modules: what replaces a module, changes the environment or the folder of the
 * process, or measures its resident memory, stands in a file of its own process (`*.alone.test.ts`).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ROOT } from './source_imports.ts';

const REACHES_OTHERS = new RegExp(
  [
    String.raw`\bvi\s*\.\s*(?:mock|doMock|unmock|doUnmock|resetModules|stubEnv)\b`,
    String.raw`\bprocess\.env(?:\.\w+|\[[^\]]+\])\s*=[^=]`,
    String.raw`\bdelete process\.env\b`,
    String.raw`\bprocess\.chdir\b`,
    // What other files left in memory is in it, whether collected or not.
    String.raw`\bmemoryUsage(?:\(\)\.|\.)rss\b`,
  ].join('|'),
);

const filesOf = (path: string): string[] =>
  statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map((file) => join(path, `${file}`)) : [path];

it('tests that change what files share run alone', () => {
  const shared = readdirSync(join(ROOT, 'test'))
    .filter((folder) => folder !== 'node_modules')
    .flatMap((folder) => filesOf(join(ROOT, 'test', folder)))
    .filter((path) => /(?<!\.alone)\.test\.ts$/.test(path) && path !== fileURLToPath(import.meta.url));
  const faults = shared.flatMap((path) => {
    const found = REACHES_OTHERS.exec(readFileSync(path, 'utf8'));
    return found ? [`${relative(ROOT, path)}: ${found[0]}: name it *.alone.test.ts`] : [];
  });
  expect(shared.length).toBeGreaterThan(100);
  expect(faults).toEqual([]);
});

it.each([
  ["vi.mock('node:fs')", true],
  ["process.env.PATH = ''", true],
  ['process.env[name] = before', true],
  ['const before = process.memoryUsage().rss', true],
  ['process.memoryUsage.rss()', true],
  ['const { heapUsed } = process.memoryUsage()', false],
  ["if (process.env.CI === 'true')", false],
  ["vi.stubGlobal('fetch', asked)", false],
])('%s', (line, isFault) => {
  expect(REACHES_OTHERS.test(line)).toBe(isFault);
});
