import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QuantileSketch } from '../../../packages/core/src/base/quantiles.ts';

const sketchOf = (values: readonly number[]) => {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch;
};

describe('quantiles', () => {
  test('are within 0.03 % of a number of the sample, whatever its range and sign', () => {
    const limit = Math.fround(1e30);
    const values = fc.array(fc.float({ noNaN: true, min: -limit, max: limit }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (sample, q) => {
        const sorted = sample.toSorted((a, b) => a - b);
        const exact = sorted[Math.round(q * (sorted.length - 1))]!;
        expect(Math.abs(sketchOf(sample).quantiles([q])[0]! - exact)).toBeLessThanOrEqual(
          3e-4 * Math.abs(exact) + 1e-37,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('minimum, maximum and mean are exact', () => {
    const sample = [0.5, -2, 0.25, 8, 0];
    expect(sketchOf(sample).summary()).toMatchObject({ count: 5, min: -2, max: 8, mean: 1.35 });
  });

  test('an empty sample has none', () => {
    expect(sketchOf([]).summary()).toBeUndefined();
    expect(sketchOf([]).quantiles([0.5])).toEqual([Number.NaN]);
  });
});
