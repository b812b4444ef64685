/** Collectives of processes that mpirun starts. Training by them is in test/engines/mpi_training.test.ts. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadMpi } from '../../packages/native-cuda/src/mpi.ts';

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

it('a process that is lost ends the others with the reason', ({ skip }) => {
  if (reason) skip(reason);
  const { stdout, stderr, status } = mpirun(2, 'lost');
  expect([75, 137]).toContain(status);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/is gone|exited on signal 9/);
});

it('a library that is not there says how to build it', () => {
  expect(loadMpi('/nowhere/doppel_mpi.node')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/build_mpi\.mjs/),
  });
});
