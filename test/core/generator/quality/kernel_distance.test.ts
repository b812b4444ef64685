import { expect, test } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import {
  type FeatureRows,
  featureScale,
  kernelDistance,
} from '../../../../packages/core/src/generator/quality/kernel_distance.ts';

function gaussian(count: number, width: number, shift: number, seed: number): FeatureRows {
  const rng = Rng.derive(seed, 'features');
  return { data: Float32Array.from({ length: count * width }, () => shift + rng.normal()), count, width };
}

test('is 0 within its error for two halves of one distribution, on both sides of 0', async () => {
  const found = await Promise.all(
    Array.from({ length: 12 }, (_, i) => kernelDistance(gaussian(200, 8, 0, i), gaussian(200, 8, 0, 100 + i))),
  );
  for (const { value, error } of found) expect(Math.abs(value)).toBeLessThan(4.5 * error!);
  expect(found.some(({ value }) => value < 0)).toBe(true);
  expect(found.some(({ value }) => value > 0)).toBe(true);
});

test('grows with the shift between two distributions', async () => {
  const at = async (shift: number) => (await kernelDistance(gaussian(400, 8, 0, 1), gaussian(400, 8, shift, 2))).value;
  const [near, far] = [await at(0.3), await at(1)];
  expect(near).toBeGreaterThan(0.05);
  expect(far).toBeGreaterThan(4 * near);
});

test('is the formula, for sets small enough to do by hand', async () => {
  // One block of two rows each: k(x, y) = (x·y + 1)³ in one dimension.
  const a = { data: Float32Array.of(1, 2), count: 2, width: 1 };
  const b = { data: Float32Array.of(0, 1), count: 2, width: 1 };
  const { value, error } = await kernelDistance(a, b);
  expect(value).toBeCloseTo(27 + 1 - (2 * (1 + 8 + 1 + 27)) / 4, 10);
  expect(error).toBeNull();
});

test('features are put on one scale', () => {
  expect(featureScale([gaussian(500, 4, 0, 1)])).toBeCloseTo(1, 1);
  expect(featureScale([{ data: Float32Array.of(3, -3), count: 1, width: 2 }])).toBe(3);
  expect(featureScale([{ data: new Float32Array(4), count: 2, width: 2 }])).toBe(1);
});

test('unequal sets are refused', async () => {
  await expect(kernelDistance(gaussian(10, 4, 0, 1), gaussian(12, 4, 0, 1))).rejects.toThrow(RangeError);
});
