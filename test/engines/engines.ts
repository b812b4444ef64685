/** Means of the suites that run real engines: programs that may be missing, and a plan whose items are cheap. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { noisePatch, tinyCheckpoint } from '../server/tiny_model.mjs';

export const MAIN = new URL('../../packages/cli/dist/main.js', import.meta.url).pathname;

const isThere = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** Reason why a suite cannot run; undefined if it can. */
export function reasonToSkip(...programs: string[]): string | undefined {
  if (!process.env.DOPPEL_TEST_ALL) return 'engines take minutes: `npm test -- --all` runs them';
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return existsSync(MAIN) ? undefined : 'the command line is not built';
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
export async function runProgram(program: string, words: readonly string[], env: object = {}): Promise<Ended> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
  try {
    return { code: 0, ...(await promisify(execFile)(program, words, options)) };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as Ended & { code: unknown };
    return { code: typeof code === 'number' ? code : -1, stdout, stderr: stderr || String(error) };
  }
}

export const doppel = (words: readonly string[], env?: object) => runProgram(process.execPath, [MAIN, ...words], env);

export const ITEMS = 40;
/** Item whose optical patch is missing: it fails for good. */
export const BROKEN = 17;

/** A folder with 40 pairs of patches in `pairs/`, one of them incomplete, and a checkpoint beside it. */
export async function makePairs(): Promise<string> {
  await selectBackend({ requested: 'cpu' });
  const folder = mkdtempSync(join(tmpdir(), 'doppel-engine-'));
  writeFileSync(join(folder, 'model.safetensors'), tinyCheckpoint());
  mkdirSync(join(folder, 'pairs'));
  for (const i of [0, 1, 2]) writeFileSync(join(folder, 'pairs', `${i}.png`), noisePatch(i).png);
  const rows = Array.from({ length: ITEMS }, (_, i) => ({
    ...{ id: `pair-${i}`, sar: `${i % 3}.png` },
    optical: i === BROKEN ? 'missing.png' : `${(i + 1) % 3}.png`,
  }));
  writeFileSync(join(folder, 'pairs', 'pairs.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  return folder;
}

export interface ScoreLine {
  id: string;
  score?: number;
  error?: string;
}

export const linesOf = (text: string): ScoreLine[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

export async function until(what: () => boolean | Promise<boolean>, milliseconds = 90_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
