/**
 * Every test: the vitest suites, then the smoke suite outside vitest, on Deno from TypeScript and on Node from dist.
 * Ends with one line "N passed, N failed" over all of them. Arguments go to vitest, and then only vitest runs.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt, run } from './run.mjs';

const filters = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'doppel-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };

function count({ passed, failed, skipped }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** A runner that broke down before it could count is a failure too. */
function countOrFail(file, status, read) {
  try {
    const counts = read(JSON.parse(readFileSync(file, 'utf8')));
    count(status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts);
  } catch {
    count({ passed: 0, failed: 1, skipped: 0 });
  }
}

function vitest() {
  const file = join(scratch, 'vitest.json');
  const args = ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...filters];
  const { status } = attempt(process.execPath, ['node_modules/vitest/vitest.mjs', ...args.slice(1)]);
  countOrFail(file, status, (report) => ({
    passed: report.numPassedTests,
    failed:
      report.numFailedTests +
      report.testResults.filter((each) => each.status === 'failed' && each.assertionResults.length === 0).length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  }));
}

function smoke(name, program, args) {
  const file = join(scratch, `${name}.json`);
  console.log(`\nSmoke suite on ${name}`);
  const { status } = attempt(program, [...args, 'test/smoke/run.mjs', file]);
  countOrFail(file, status, (counts) => counts);
}

run('node_modules/.bin/tsc', ['--noEmit', '-p', 'tsconfig.json']);
run('node_modules/.bin/biome', ['check', '--diagnostic-level=error']);
vitest();
if (filters.length === 0) {
  smoke('Deno', 'node_modules/.bin/deno', ['run', '-A', '--conditions=source']);
  smoke('Node', process.execPath, []);
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
