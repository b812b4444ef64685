import { expect, test } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { patchAt } from '../../../../packages/core/src/generator/patch_stack.ts';
import { diversity, msSsim, scaleWeights } from '../../../../packages/core/src/generator/quality/ms_ssim.ts';
import { map, texture } from './made_up.ts';

const SIDE = 64;
const RANGE = { low: -2.5, high: 2.5 };
const unit = map(texture(8, SIDE), (value) => Math.min(Math.max((value + 2.5) / 5, 0), 1));

test('is 1 for the same image and falls with noise', () => {
  const image = patchAt(unit, 0);
  const noisy = (amount: number) => {
    const rng = Rng.derive(1, 'noise');
    return image.map((value) => value + amount * rng.normal());
  };
  expect(msSsim(image, image, SIDE)).toBeCloseTo(1, 12);
  const [little, much] = [msSsim(image, noisy(0.05), SIDE), msSsim(image, noisy(0.3), SIDE)];
  expect(little).toBeGreaterThan(0.6);
  expect(little).toBeLessThan(0.999);
  expect(much).toBeLessThan(little - 0.2);
});

test('of two even images is what luminance is at the last scale', () => {
  const even = (value: number) => new Float32Array(16 * 16).fill(value);
  const [a, b] = [Math.fround(0.2), Math.fround(0.6)];
  expect(msSsim(even(0.2), even(0.6), 16)).toBeCloseTo((2 * a * b + 1e-4) / (a * a + b * b + 1e-4), 9);
});

test('takes as many scales as an 11 × 11 window fits in', () => {
  expect(scaleWeights(64)).toHaveLength(3);
  expect(scaleWeights(112)).toHaveLength(4);
  expect(scaleWeights(256)).toHaveLength(5);
  expect(scaleWeights(256)).toEqual(
    [0.0448, 0.2856, 0.3001, 0.2363, 0.1333].map((weight) => expect.closeTo(weight, 3)),
  );
  expect(scaleWeights(64).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  expect(() => scaleWeights(8)).toThrow(RangeError);
});

test('a set of one image over and over has no diversity, different ones have', async () => {
  const same = { ...unit, data: unit.data.map((_, i) => unit.data[i % (SIDE * SIDE)]!) };
  const settings = { pairs: 20, seed: 3 };
  expect((await diversity(same, { low: 0, high: 1 }, settings)).mean).toBeCloseTo(1, 12);
  const varied = await diversity(texture(8, SIDE), RANGE, settings);
  expect(varied.mean).toBeLessThan(0.5);
  expect(await diversity(texture(8, SIDE), RANGE, settings)).toEqual(varied);
});
