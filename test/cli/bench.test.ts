/** `doppel bench`: what other programs read of it. */

import { existsSync } from 'node:fs';
import { EMULATED_ADDON } from '@doppel/native-cuda';
import { describe, expect, it } from 'vitest';
import benchAll from '../../packages/cli/src/commands/bench_all.ts';
import benchDense from '../../packages/cli/src/commands/bench_dense.ts';
import benchGallery from '../../packages/cli/src/commands/bench_gallery.ts';
import benchGenerator from '../../packages/cli/src/commands/bench_generator.ts';
import benchMatcher from '../../packages/cli/src/commands/bench_matcher.ts';
import benchOps from '../../packages/cli/src/commands/bench_ops.ts';
import benchRoofline from '../../packages/cli/src/commands/bench_roofline.ts';
import { nativeLoaders, runCommand } from './run_command.ts';

it('matcher: pairs a second of training and of scoring', async () => {
  const flags = ['--size', '64', '--batch', '2', '--repeats', '1', '--backend', 'wasm', '--json'];
  const result = JSON.parse((await runCommand(benchMatcher, flags)).stdout);
  expect(result).toMatchObject({ backend: 'wasm', size: 64, batch: 2, fallbacks: [], transfers: { up: 0, down: 0 } });
  expect(result.train.pairsPerSecond).toBeGreaterThan(0);
  expect(result.infer.pairsPerSecond).toBeGreaterThan(result.train.pairsPerSecond);
});

it('dense: training by localisation, scoring and tiles', async () => {
  const flags = ['--batch', '2', '--pairs', '2', '--width', '8', '--tile', '64', '--repeats', '1'];
  flags.push('--backend', 'wasm', '--json');
  const result = JSON.parse((await runCommand(benchDense, flags)).stdout);
  expect(result).toMatchObject({ backend: 'wasm', width: 8, batch: 2, pairs: 2, fallbacks: [], tile: { side: 64 } });
  expect(result.train.imagesPerSecond).toBeGreaterThan(0);
  expect(result.score.pairsPerSecond).toBeGreaterThan(0);
  expect(result.tile.sarSeconds).toBeGreaterThan(0);
  expect(result.tile.opticalSeconds).toBeGreaterThan(0);
});

it('ops: each convolution of the matcher, forward and backward, and the ops of a dense matcher', async () => {
  const flags = ['--size', '64', '--batch', '1', '--repeats', '1', '--backend', 'wasm', '--json'];
  const { size, rows, dense } = JSON.parse((await runCommand(benchOps, flags)).stdout);
  expect(size).toBe(64);
  expect(rows.length).toBeGreaterThanOrEqual(18);
  for (const row of [...rows, ...dense]) expect(row.gflops, row.name).toBeGreaterThan(0);
  expect(dense.length).toBeGreaterThanOrEqual(4);
});

it('gallery: searches a second, the same as a plain loop finds', async () => {
  const flags = [
    '--tiles',
    '200,400',
    '--patches',
    '2',
    '--peer',
    '300',
    '--repeats',
    '1',
    '--backend',
    'wasm',
    '--json',
  ];
  const { rows } = JSON.parse((await runCommand(benchGallery, flags)).stdout);
  expect(rows.map(({ tiles }: { tiles: number }) => tiles)).toEqual([210, 400]); // whole rows
  for (const { one, together, loop } of rows) expect(Math.min(one, together, loop)).toBeGreaterThan(0);
  expect(rows[1].usearch.skipped).toBe('more than --peer 300');
  if ('skipped' in rows[0].usearch) expect(rows[0].usearch.skipped).toContain('usearch does not load');
  else expect(rows[0].usearch.recall).toBeGreaterThan(0.8);
});

const EMULATED = ['--repeats', '1', '--backend', 'cuda-emulated', '--graph', '--json'];

describe.skipIf(!existsSync(EMULATED_ADDON))(
  `with a graph${existsSync(EMULATED_ADDON) ? '' : ' (skipped: the emulator is not built)'}`,
  () => {
    it('generator: steps a second as a graph and without', { timeout: 300_000 }, async () => {
      const flags = ['--size', '8', '--batch', '4', '--objective', 'autoencoder', ...EMULATED];
      const { graph } = JSON.parse((await runCommand(benchGenerator, flags, undefined, nativeLoaders)).stdout);
      expect(graph.stepsPerSecond.plain).toBeGreaterThan(0);
      expect(graph.stepsPerSecond.graph).toBeGreaterThan(0);
      expect(graph.bytes).toBeGreaterThan(0);
      expect(graph.transfers).toEqual({ up: 4 * 64 * 4, down: 4 });
    });
  },
);

it('a graph on a backend without graphs is a usage error', async () => {
  const flags = ['--size', '8', '--batch', '4', '--repeats', '1', '--backend', 'wasm', '--graph'];
  await expect(runCommand(benchGenerator, flags)).rejects.toThrow(/Cannot use --graph: .* found wasm/);
});

it('a network that learns by localisation has a benchmark of its own', async () => {
  await expect(runCommand(benchMatcher, ['--preset', 'dense'])).rejects.toThrow(/--preset.*found "?dense/s);
});

it('a size that is no size is a usage error', async () => {
  await expect(runCommand(benchMatcher, ['--size', 'large'])).rejects.toThrow('--size');
});

it('generator: images a second of a step of codes in space, which is no graph', async () => {
  const small = [
    '--preset',
    'spatial',
    '--size',
    '16',
    '--batch',
    '4',
    '--repeats',
    '1',
    '--backend',
    'wasm',
    '--json',
  ];
  const result = JSON.parse((await runCommand(benchGenerator, small)).stdout);
  expect(result).toMatchObject({ preset: 'spatial', objective: 'gamma-vae', size: 16, fallbacks: [] });
  expect(result.train.imagesPerSecond).toBeGreaterThan(0);
  await expect(runCommand(benchGenerator, [...small, '--graph'])).rejects.toThrow(/spatial.*Leave out --graph/s);
});

it('all: ops, matcher and generator in one object', { timeout: 300_000 }, async () => {
  const flags = ['--size', '64', '--batch', '4', '--repeats', '1', '--json'];
  const { ops, matcher, generator } = JSON.parse((await runCommand(benchAll, flags, undefined, nativeLoaders)).stdout);
  expect(ops.rows.length).toBeGreaterThanOrEqual(18);
  expect(matcher).toMatchObject({ backend: ops.backend, batch: 4, fallbacks: [] });
  expect(generator.train.imagesPerSecond).toBeGreaterThan(0);
});

it('roofline: the slower of arithmetic and memory, by data sheet', async () => {
  const { rows, computed } = JSON.parse(
    (await runCommand(benchRoofline, ['--size', '112', '--batch', '64', '--json'])).stdout,
  );
  expect(computed).toBe(true);
  const conv2 = rows.find(
    (row: { name: string; direction: string }) => row.name === 'conv2' && row.direction === 'forward',
  );
  const outputs = 64 * 112 * 112 * 32;
  expect(conv2.flops).toBe(2 * outputs * 9 * 32);
  expect(conv2.bytes).toBe(4 * (2 * outputs + 9 * 32 * 32));
  const a100 = conv2.bounds.find((each: { card: string }) => each.card === 'A100');
  expect(a100.fp32).toEqual({ ms: expect.closeTo(conv2.flops / 19_500e6, 9), by: 'arithmetic' });
  expect(a100.bf16).toEqual({ ms: expect.closeTo(conv2.bytes / 2039e6, 9), by: 'memory' });
});
