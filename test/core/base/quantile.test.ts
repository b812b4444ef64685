import { expect, test } from 'vitest';
import { quantile } from '../../../packages/core/src/base/quantile.ts';

test('quantiles are those of R and NumPy', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  expect(quantile([5], 0.9)).toBe(5);
  expect(quantile([], 0.5)).toBeNaN();
});
