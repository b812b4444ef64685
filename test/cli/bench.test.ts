/** `doppel bench`: what other programs read of it. */
import benchMatcher from '@doppel/cli/commands/bench_matcher';
import benchOps from '@doppel/cli/commands/bench_ops';
import { expect, it } from 'vitest';
import { runCommand } from './run_command.ts';

it('matcher: pairs a second of training and of scoring', async () => {
  const flags = ['--size', '64', '--batch', '2', '--repeats', '1', '--backend', 'wasm', '--json'];
  const result = JSON.parse((await runCommand(benchMatcher, flags)).stdout);
  expect(result).toMatchObject({ backend: 'wasm', size: 64, batch: 2, fallbacks: [], transfers: { up: 0, down: 0 } });
  expect(result.train.pairsPerSecond).toBeGreaterThan(0);
  expect(result.infer.pairsPerSecond).toBeGreaterThan(result.train.pairsPerSecond);
});

it('ops: each convolution of the matcher, forward and backward', async () => {
  const flags = ['--size', '64', '--batch', '1', '--repeats', '1', '--backend', 'wasm', '--json'];
  const { size, rows } = JSON.parse((await runCommand(benchOps, flags)).stdout);
  expect(size).toBe(64);
  expect(rows.length).toBeGreaterThanOrEqual(18);
  for (const row of rows) expect(row.gflops, row.name).toBeGreaterThan(0);
});

it('a size that is no size is a usage error', async () => {
  await expect(runCommand(benchMatcher, ['--size', 'large'])).rejects.toThrow('--size');
});
