/** Latent rules and their noise; matched histograms; distances between patches. */

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { momentsOf } from '../../../packages/core/src/base/moments.ts';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { latentNoise, moveLatents } from '../../../packages/core/src/generator/latent.ts';
import { matchHistogram, standardiseAgain } from '../../../packages/core/src/generator/match_histogram.ts';
import { matchSpeckle } from '../../../packages/core/src/generator/match_speckle.ts';
import { patchDistance } from '../../../packages/core/src/generator/patch_distance.ts';
import { normalisation, patchOf, SIDE } from '../mining/fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

describe('latent rules', () => {
  const mu = [1, -2];
  const logvar = [0, 2 * Math.log(3)]; // σ = 1 and 3
  const eps = [0.5, -1];
  const move = async (rule: 'sigma' | 'sample' | 'noise', strength: number) => {
    const latents = { mu: tf.tensor2d([mu]), logvar: tf.tensor2d([logvar]) };
    return [...(await moveLatents(latents, rule, strength, tf.tensor2d([eps])).data())];
  };
  const close = (values: number[]) => values.map((value) => expect.closeTo(value, 5));

  it('shift by the deviation, by noise within it, or by plain noise', async () => {
    expect(await move('sigma', 2)).toEqual(close([1 + 2 * 1, -2 + 2 * 3]));
    expect(await move('sample', 2)).toEqual(close([1 + 2 * 0.5, -2 + 2 * 3 * -1]));
    expect(await move('noise', 0.001)).toEqual(close([1.0005, -2.001]));
  });

  it('draw noise by seed, record and draw, whatever the batch', () => {
    const [both, alone] = [latentNoise([3, 9], 1, 10, 7), latentNoise([9], 1, 10, 7)];
    expect(both.subarray(10)).toEqual(alone);
    expect(latentNoise([9], 2, 10, 7)).not.toEqual(alone);
    expect(latentNoise([9], 1, 10, 8)).not.toEqual(alone);
    const { mean, std } = momentsOf(latentNoise([0, 1, 2, 3], 0, 1000, 1));
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(std).toBeCloseTo(1, 1);
  });
});

const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
  minLength: 4,
  maxLength: 60,
});

describe('a matched histogram', () => {
  it('has the values of the source in the order of the patch', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), (values, seed) => {
        const patch = Float32Array.from(values);
        const source = Float32Array.from(values, (_, i) => ((i * 7919 + seed) % 101) - 50);
        const matched = matchHistogram(patch, source);
        expect(matched.slice().sort()).toEqual(source.slice().sort());
        for (let i = 1; i < patch.length; i++) {
          if (patch[i]! > patch[i - 1]!) expect(matched[i]).toBeGreaterThanOrEqual(matched[i - 1]!);
        }
      }),
    );
  });

  it('of a patch with itself changes nothing', () => {
    expect(matchHistogram(patchOf(1), patchOf(1))).toEqual(patchOf(1));
  });
});

describe('matched speckle', () => {
  const side = 32;
  const rng = Rng.derive(3, 'speckle test');
  /** Dark on the left, bright on the right, with noise that grows with brightness. */
  const brightness = Float32Array.from({ length: side * side }, (_, i) => (i % side < side / 2 ? 1 : 3));
  const source = brightness.map((value) => value * (1 + 0.2 * rng.normal()));
  /** Bright on the left, and smooth. */
  const smooth = brightness.map((value) => 4 - value);
  const made = matchSpeckle(smooth, source, side, 1);
  const part = (patch: Float32Array, isLeft: boolean) =>
    patch.filter((_, i) => (isLeft ? i % side < side / 2 - 3 : i % side > side / 2 + 3));

  it('keeps what the patch shows, and is rougher where it is brighter, as the source is', () => {
    const [left, right] = [momentsOf(part(made, true)), momentsOf(part(made, false))];
    expect(left.mean).toBeCloseTo(3, 0);
    expect(right.mean).toBeCloseTo(1, 0);
    expect(left.std / momentsOf(part(source, false)).std).toBeCloseTo(1, 0);
    expect(left.std).toBeGreaterThan(1.5 * right.std);
  });

  it('does not leave the noise where it was, and moves it the same way for the same number', () => {
    const noise = (patch: Float32Array, base: Float32Array) => patch.map((value, i) => (value - base[i]!) / base[i]!);
    const [a, b] = [noise(made, smooth), noise(source, brightness)];
    const correlation =
      a.reduce((sum, value, i) => sum + value * b[i]!, 0) /
      Math.sqrt(a.reduce((s, v) => s + v * v, 0) * b.reduce((s, v) => s + v * v, 0));
    expect(Math.abs(correlation)).toBeLessThan(0.15);
    expect(matchSpeckle(smooth, source, side, 1)).toEqual(made);
    expect(matchSpeckle(smooth, source, side, 2)).not.toEqual(made);
  });
});

describe('standardising again', () => {
  it('gives mean 0 and deviation 1 where patches are standardised one by one, and nothing where they are not', () => {
    const { mean, std } = momentsOf(standardiseAgain(Float32Array.of(3, 5, 9, 20), normalisation));
    expect([mean, std]).toEqual([expect.closeTo(0, 6), expect.closeTo(1, 6)]);
    const byDataset = { sar: { ...normalisation.sar, standardise: 'dataset' as const, mean: 0, std: 1 } };
    expect(standardiseAgain(Float32Array.of(3, 5), byDataset)).toEqual(Float32Array.of(3, 5));
  });
});

describe('the distance of patches', () => {
  it('is 0 to itself, the offset for an offset, and small where only single pixels differ', () => {
    const patch = patchOf(5);
    expect(patchDistance(patch, patch, SIDE)).toBe(0);
    expect(
      patchDistance(
        patch,
        patch.map((value) => value + 2),
        SIDE,
      ),
    ).toBeCloseTo(2, 5);
    const speckled = patch.map((value, i) => value + (i % 2 === 0 ? 1 : -1));
    expect(patchDistance(patch, speckled, SIDE)).toBeLessThan(1e-6);
  });
});
