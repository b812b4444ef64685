/**
 * Every test: type check, lint, the vitest suites, then the smoke suite outside vitest, on Deno from TypeScript and on Node
 * from dist. Ends with where the time went, and one line "N passed, N failed" over all of them.
 *
 *     npm test [-- [--all] [FILTER …]]
 *
 * The addon is built beside the suites that do without it; where it comes from the cache of builds, all suites run at
 * once.
 * `--all` builds and checks its CUDA part for all architectures instead of one. With filters only these vitest suites run.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT, run } from './run.mjs';

const { values: flags, positionals: filters } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const scratch = mkdtempSync(join(tmpdir(), 'doppel-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const stages = [];
const files = [];

async function timed(name, work) {
  const started = performance.now();
  const result = await work();
  stages.push({ name, seconds: (performance.now() - started) / 1000 });
  return result;
}

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

/** Runs beside this program, which goes on meanwhile. @returns its exit status, and what it printed. */
function beside(program, args, options) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ status: 1, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** The same, and prints at once. */
const aloud = (program, args, options) => beside(program, args, { ...options, stdio: 'inherit' });

async function vitest(name, args, runs = beside) {
  const file = join(scratch, `${name}.json`);
  const outputs = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const env = { ...process.env, ...(flags.all && { DOPPEL_TEST_ALL: '1' }) };
  const command = ['node_modules/vitest/vitest.mjs', 'run', '--passWithNoTests', ...outputs, ...args];
  const { status, output } = await runs(process.execPath, command, { env });
  process.stdout.write(output);
  countOrFail(file, status, (report) => {
    for (const { name: path, startTime, endTime } of report.testResults) {
      files.push({ name: path.slice(ROOT.length), seconds: (endTime - startTime) / 1000 });
    }
    return {
      passed: report.numPassedTests,
      failed:
        report.numFailedTests +
        report.testResults.filter((each) => each.status === 'failed' && each.assertionResults.length === 0).length,
      skipped: report.numPendingTests + (report.numTodoTests ?? 0),
    };
  });
}

/** @returns what prints the suite's output. */
async function smoke(name, program, args) {
  const file = join(scratch, `${name}.json`);
  const { status, output } = await beside(program, [...args, 'test/smoke/run.mjs', file]);
  countOrFail(file, status, (counts) => counts);
  return () => console.log(`\nSmoke suite on ${name}\n${output}`);
}

function printTimes() {
  const line = ({ name, seconds }) => console.log(`${seconds.toFixed(0).padStart(5)} s  ${name}`);
  console.log('\nWhere the time went');
  stages.forEach(line);
  console.log('The slowest test files');
  files
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 15)
    .forEach(line);
}

const addonArgs = ['packages/native-cuda/scripts/build.mjs', '--tests', ...(flags.all ? ['--all-architectures'] : [])];

await timed('packages and TypeScript', () => run('node', ['scripts/setup.mjs', '--without-addon']));
if (filters.length > 0) {
  await timed('the addon', () => run('node', addonArgs));
  await timed('vitest', () => vitest('filtered', filters, aloud));
} else {
  const addon = timed('the addon, beside the next two', () => beside('node', addonArgs));
  await timed('type check and lint', () => {
    run('node_modules/.bin/tsc', ['--noEmit', '-p', 'tsconfig.json']);
    run('node_modules/.bin/biome', ['check', '--diagnostic-level=error']);
  });
  // Nothing was heard of the build while the programs above ran.
  const isBuilt = await Promise.race([addon.then(() => true), setTimeout(1000, false)]);
  if (!isBuilt) {
    await timed('vitest: suites without the addon', () =>
      vitest('first', ['--maxWorkers=1', '--project=without-addon']),
    );
  }
  const { status, output } = await addon;
  console.log(output);
  if (status !== 0) count({ passed: 0, failed: 1, skipped: 0 });
  const outside = timed('smoke on Deno and on Node, beside vitest', () =>
    Promise.all([
      smoke('Deno', 'node_modules/.bin/deno', ['run', '-A', '--conditions=source']),
      smoke('Node', process.execPath, []),
    ]),
  );
  const left = isBuilt ? [] : ['--project=together', '--project=alone'];
  await timed(`vitest: ${isBuilt ? 'all' : 'the other'} suites`, () => vitest('second', left, aloud));
  for (const print of await outside) print();
}
rmSync(scratch, { recursive: true, force: true });
printTimes();
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
