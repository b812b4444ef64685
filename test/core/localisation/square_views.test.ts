/** Symmetries of the square. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureMap } from '../../../packages/core/src/localisation/feature_map.ts';
import { firstViews, inverseOf, sideBySide, viewed } from '../../../packages/core/src/localisation/square_views.ts';

const ALL = firstViews(8);

/** Each vector names its place. */
function placesOf(width: number, height: number): FeatureMap {
  const data = Float32Array.from({ length: width * height * 2 }, (_, i) => {
    const at = Math.floor(i / 2);
    return i % 2 === 0 ? at % width : Math.floor(at / width);
  });
  return { data, width, height, channels: 2 };
}

const sides = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));

describe('viewed', () => {
  it('gives eight different images of a map without symmetry, all of the same vectors', () => {
    const images = ALL.map((view) => viewed(placesOf(3, 3), view));
    expect(new Set(images.map(({ data }) => data.join())).size).toBe(8);
    const vectors = ({ data }: FeatureMap) =>
      Array.from({ length: data.length / 2 }, (_, i) => `${data[2 * i]} ${data[2 * i + 1]}`).sort();
    for (const image of images) expect(vectors(image)).toEqual(vectors(images[0]!));
  });

  it('exchanges rows and columns', () => {
    const { data, width, height } = viewed(placesOf(3, 2), { mirrored: true, flipped: false, transposed: true });
    expect([width, height]).toEqual([2, 3]);
    expect([...data]).toEqual([2, 0, 2, 1, 1, 0, 1, 1, 0, 0, 0, 1]); // columns 2, 1, 0 from above to below
  });

  it('is undone by the inverse', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...ALL), ([width, height], view) => {
        const map = placesOf(width, height);
        expect(viewed(viewed(map, view), inverseOf(view))).toEqual(map);
      }),
    );
  });
});

describe('sideBySide', () => {
  it('lays vectors of one place beside each other, in views of their own', async () => {
    const map = placesOf(4, 3);
    const joined = await sideBySide(firstViews(4), async (view) => viewed(map, view));
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
