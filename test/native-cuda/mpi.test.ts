/** Collectives of processes that mpirun starts. Training by them is in test/engines/mpi_training.test.ts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ProcessError } from '../../packages/core/src/errors.ts';
import { type Binding, communicatorOf, loadMpi } from '../../packages/native-cuda/src/mpi.ts';

const mpi = loadMpi();
const isThere = spawnSync('mpirun', ['--version']).status === 0;
const reason = mpi.available ? (isThere ? undefined : 'mpirun was not found') : mpi.reason;
const script = fileURLToPath(new URL('mpi_ranks.mjs', import.meta.url));

function mpirun(processes: number, ...words: string[]) {
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const args = ['--oversubscribe', '-n', String(processes), process.execPath, script, ...words];
  return spawnSync('mpirun', args, { env, encoding: 'utf8' });
}

it('three processes add in the order of ranks, and gather', ({ skip }) => {
  if (reason) skip(reason);
  const { stdout, stderr, status } = mpirun(3);
  expect(status, stderr).toBe(0);
  const heard = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.rank - b.rank);
  expect(heard.map(({ rank, size }) => [rank, size])).toEqual([0, 1, 2].map((rank) => [rank, 3]));
  const sums = Array.from({ length: 61 }, (_, i) => {
    return Math.fround([1, 2, 3].reduce((sum, k) => sum + Math.fround(k * 0.1 + i), 0));
  });
  for (const { values, parts } of heard) {
    expect(values).toEqual(sums);
    expect(parts).toEqual([[], [1], [2, 2]]);
  }
});

it.for([0, 1])('where process %i is lost the other ends with the reason', (lost, { skip }) => {
  if (reason) skip(reason);
  const file = join(mkdtempSync(join(tmpdir(), 'doppel-mpi-lost-')), 'code');
  try {
    const { stdout, stderr } = mpirun(2, String(lost), file);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`process ${lost} .*is gone`));
    expect(readFileSync(file, 'utf8'), 'its own exit code').toBe('75');
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
});

it('what a process throws is said, though it ends the others', ({ skip }) => {
  if (reason) skip(reason);
  const { stderr, status } = mpirun(2, '1');
  expect(stderr).toContain('thrown by a process');
  expect(status).not.toBe(0);
});

it('a library that is not there says how to build it', () => {
  expect(loadMpi('/nowhere/doppel_mpi.node')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/build_mpi\.mjs/),
  });
});

it('a failure of MPI is a loss only where a process is gone', () => {
  const events = ['exit', 'uncaughtExceptionMonitor'] as const;
  const before = events.map((event) => process.rawListeners(event));
  const failing = (isPeerGone: boolean) =>
    communicatorOf({
      start: () => ({ rank: 0, size: 2 }),
      allReduce() {
        throw new Error('gather sums: out of resources');
      },
      isPeerGone: () => isPeerGone,
    } as Partial<Binding> as Binding);
  const [lost, failed] = [failing(true), failing(false)];
  events.forEach((event, i) => {
    for (const listener of process.rawListeners(event)) {
      if (!before[i]!.includes(listener)) process.off(event, listener as () => void); // which would abort MPI
    }
  });
  const values = new Float32Array(1);
  expect(() => lost.allReduce(values)).toThrow(ProcessError);
  expect(() => failed.allReduce(values)).toThrow(/^gather sums: out of resources$/);
});
