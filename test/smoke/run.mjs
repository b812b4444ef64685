/**
 * The smoke suite: what must work outside vitest, on Deno from TypeScript and on Node from the built dist. It is plain
 * JavaScript without a test framework, since the point is the runtime: module resolution, the bundle of gradients,
 * WebAssembly, the command line.
 *
 * Usage: (node | deno run -A --conditions=source) test/smoke/run.mjs COUNTS.json
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const IS_DENO = 'Deno' in globalThis;
export const scratch = mkdtempSync(join(tmpdir(), 'doppel-smoke-'));

/** Runs the CLI as a user of this runtime would: from TypeScript on Deno, from dist on Node. */
export function doppel(...args) {
  const program = IS_DENO
    ? ['deno', 'run', '-A', '--conditions=source', 'packages/cli/src/main.ts']
    : ['node', 'packages/cli/dist/main.js'];
  const [command, ...rest] = [...program, ...args];
  const executable = command === 'deno' ? globalThis.Deno.execPath() : process.execPath;
  const { stdout, stderr, status } = spawnSync(executable, rest, { cwd: ROOT, encoding: 'utf8' });
  return { stdout, stderr, status };
}

const suites = [await import('./backends.mjs'), await import('./cli.mjs'), await import('./serve.mjs')];

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { tests } of suites) {
  for (const [name, test] of Object.entries(tests)) {
    const start = performance.now();
    const took = () => `(${((performance.now() - start) / 1000).toFixed(1)} s)`;
    try {
      const skipped = await test({ assert, doppel, scratch, isDeno: IS_DENO });
      counts[skipped ? 'skipped' : 'passed']++;
      console.log(skipped ? `skip  ${name}: ${skipped}` : `ok    ${name} ${took()}`);
    } catch (error) {
      counts.failed++;
      console.log(`FAILED ${name}\n${error instanceof Error ? error.stack : error}`);
    }
  }
}
rmSync(scratch, { recursive: true, force: true });
if (process.argv[2]) writeFileSync(process.argv[2], JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);
