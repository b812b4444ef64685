/**
 * Runs suites of the tests where vitest is not installed:
 *
 *     node suites.mjs PATTERN SUITE …       tests whose full name matches the pattern
 *
 * Ends with one line of JSON: how many passed, failed and were left out, and why they failed.
 */
import { type File, startTests, type Task, type VitestRunner } from '@vitest/runner';

const SUITES: Readonly<Record<string, () => Promise<unknown>>> = {
  parity: () => import('../core/ops/parity.test.ts'),
  kernels: () => import('../native-cuda/isa_parity.test.ts'),
  cuda: () => import('../native-cuda/cuda.alone.test.ts'),
  graph: () => import('../native-cuda/graph.alone.test.ts'),
};

/** One test at a time, in the order in which they are written. */
const runnerOf = (pattern: RegExp): VitestRunner => ({
  config: {
    ...{
      root: '/',
      name: undefined,
      setupFiles: [],
      passWithNoTests: false,
      testNamePattern: pattern,
      allowOnly: false,
    },
    ...{ chaiConfig: undefined, maxConcurrency: 1, testTimeout: 120_000, hookTimeout: 120_000, retry: 0 },
    ...{ includeTaskLocation: false, tags: [], tagsFilter: undefined, strictTags: false },
    sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
  },
  importFile: (file) => SUITES[file.slice(1)]!(),
  onAfterRunTask({ name, result }) {
    console.error(`${result?.state ?? 'skip'}  ${name}`);
  },
});

const testsOf = (task: Task): Task[] => ('tasks' in task ? task.tasks.flatMap(testsOf) : [task]);

function countsOf(files: readonly File[]) {
  const tests = files.flatMap(testsOf);
  const inState = (state: string) => tests.filter(({ result }) => result?.state === state);
  const broken = files.filter(({ result }) => (result?.errors?.length ?? 0) > 0);
  const failures = [...inState('fail'), ...broken].map(({ name, result }) => ({
    name,
    why: result?.errors?.map(({ message, stack }) => stack ?? message).join('; ') ?? 'unknown',
  }));
  const passed = inState('pass').length;
  return { passed, failed: failures.length, leftOut: tests.length - passed - inState('fail').length, failures };
}

const [pattern, ...names] = process.argv.slice(2) as [string, ...string[]];
const files = await startTests(
  names.map((name) => `/${name}`),
  runnerOf(new RegExp(pattern)),
);
const counts = countsOf(files);
console.log(JSON.stringify(counts));
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
