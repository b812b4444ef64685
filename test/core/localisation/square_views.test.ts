/** Vectors under several symmetries of the square, side by side. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureMap } from '../../../packages/core/src/localisation/feature_map.ts';
import { firstViews, sideBySide } from '../../../packages/core/src/localisation/square_views.ts';
import { turned } from '../../../packages/core/src/raster/turned.ts';
import { placesOf } from '../raster/places.ts';

describe('sideBySide', () => {
  it('lays vectors of one place beside each other, in views of their own', async () => {
    const map = placesOf(4, 3);
    const joined = await sideBySide(firstViews(4), async (view) => turned(map, view));
    expect([joined.width, joined.height, joined.channels]).toEqual([4, 3, 8]);
    for (let i = 0; i < joined.data.length; i++) {
      expect(joined.data[i]).toBe(map.data[2 * Math.floor(i / 8) + (i % 2)]! / 2);
    }
  });

  it('correlates as the mean of the correlations under each view', async () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: 2 * 4 * 6,
      maxLength: 2 * 4 * 6,
    });
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom(1, 2, 4, 8), async (numbers, count) => {
        // a vector for each view, all of one cell
        const of = (from: number) => async (_: unknown) => next(from);
        let drawn = 0;
        const next = (from: number): FeatureMap => ({
          data: Float32Array.from(numbers.slice(from + 3 * (drawn % 8), from + 3 * (drawn++ % 8) + 3)),
          ...{ width: 1, height: 1, channels: 3 },
        });
        const a = await sideBySide(firstViews(count), of(0));
        drawn = 0;
        const b = await sideBySide(firstViews(count), of(24));
        let mean = 0;
        for (let i = 0; i < 3 * count; i++) mean += Math.fround(numbers[i]!) * Math.fround(numbers[24 + i]!);
        const product = a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0);
        expect(product).toBeCloseTo(mean / count, 5);
      }),
    );
  });
});
