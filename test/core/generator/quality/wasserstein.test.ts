import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  histogramDistance,
  histogramOf,
  merge,
  quantileOf,
  wasserstein,
} from '../../../../packages/core/src/generator/quality/wasserstein.ts';

const values = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 30 });

test('a shift is its distance, whatever the numbers of samples', () => {
  expect(wasserstein([1, 2, 3], [3, 4, 5])).toBeCloseTo(2, 12);
  expect(wasserstein([0, 1], [0, 0, 1, 1])).toBeCloseTo(0, 12);
  expect(wasserstein([0], [1, 2, 3])).toBeCloseTo(2, 12);
  expect(wasserstein([], [1])).toBeNaN();
});

test('is symmetric, 0 to itself, and as a histogram the same up to the width of a bin', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      expect(wasserstein(a, a)).toBeLessThan(1e-12);
      expect(wasserstein(a, b)).toBeCloseTo(wasserstein(b, a), 9);
      const [x, y] = [histogramOf(a, -50, 50, 2000), histogramOf(b, -50, 50, 2000)];
      expect(Math.abs(histogramDistance(x, y) - wasserstein(a, b))).toBeLessThan(0.051);
    }),
  );
});

test('what lies beyond the ends is counted there', () => {
  const histogram = histogramOf([-9, 0.5, 9], 0, 1, 4);
  expect([...histogram.counts]).toEqual([1, 0, 1, 1]);
  expect([...merge([histogram, histogram]).counts]).toEqual([2, 0, 2, 2]);
  expect(quantileOf(histogramOf([0.1, 0.2, 0.3, 0.9], 0, 1, 10), 0.5)).toBeCloseTo(0.3, 9);
});
