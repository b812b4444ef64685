import { expect, test } from 'vitest';
import {
  slicedDistances,
  slicedWasserstein,
} from '../../../../packages/core/src/generator/quality/sliced_wasserstein.ts';
import { added, blurred, map, texture } from './made_up.ts';

const SIDE = 32;
const few = { neighbourhoods: 32, directions: 32 };
const [a, b] = [texture(200, SIDE), texture(200, SIDE, 1000)];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('is small for two sets of one distribution, and grows with blur and noise', async () => {
  // Detail here is speckle, which blur takes away; the coarser level shows waves, which noise hides.
  const own = await slicedWasserstein(a, b, few);
  const blur = async (times: number) => (await slicedWasserstein(a, blurred(b, times), few))[0]!;
  const rough = async (amount: number) => (await slicedWasserstein(a, added(b, amount), few))[1]!;
  expect(own[0]).toBeLessThan(30);
  const [soft, softer] = [await blur(1), await blur(4)];
  expect(soft).toBeGreaterThan(2 * own[0]!);
  expect(softer).toBeGreaterThan(1.5 * soft);
  const [noisy, noisier] = [await rough(2), await rough(8)];
  expect(noisy).toBeGreaterThan(1.3 * own[1]!);
  expect(noisier).toBeGreaterThan(1.3 * noisy);
});

test('does not see contrast, but tells it', async () => {
  const double = map(a, (value) => 2 * value + 5);
  const { distances, contrast, sides } = await slicedDistances({ a, double }, [['a', 'double']], few);
  expect(sides).toEqual([32, 16]);
  expect(mean(distances[0]!)).toBeLessThan(40);
  expect(contrast.double[0]! / contrast.a[0]!).toBeCloseTo(2, 1);
});

test('the same seed gives the same distance, another one nearly so', async () => {
  const first = await slicedWasserstein(a, b, few);
  expect(await slicedWasserstein(a, b, few)).toEqual(first);
  const other = await slicedWasserstein(a, b, { ...few, seed: 2 });
  expect(other).not.toEqual(first);
  expect(Math.abs(mean(other) - mean(first))).toBeLessThan(20);
});

test('a set without any structure is far, and finite', async () => {
  const flat = map(a, () => 0.7);
  const distances = await slicedWasserstein(a, flat, few);
  expect(distances.every(Number.isFinite)).toBe(true);
  expect(mean(distances)).toBeGreaterThan(500); // all of the mean absolute projection, about 0.8 for normal values
});

test('unequal sets are refused; Ctrl-C ends the work', async () => {
  await expect(slicedWasserstein(a, texture(100, SIDE), few)).rejects.toThrow(RangeError);
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(slicedWasserstein(a, b, { ...few, signal })).rejects.toThrow('stop');
});
