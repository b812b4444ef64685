/** Symmetries of the square. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstViews } from '../../../packages/core/src/localisation/square_views.ts';
import { type Grid, inverseOf, turned } from '../../../packages/core/src/raster/turned.ts';
import { placesOf } from './places.ts';

const ALL = firstViews(8);
const sides = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));

describe('turned', () => {
  it('gives eight different images of a map without symmetry, all of the same vectors', () => {
    const images = ALL.map((view) => turned(placesOf(3, 3), view));
    expect(new Set(images.map(({ data }) => data.join())).size).toBe(8);
    const vectors = ({ data }: Grid<Float32Array>) =>
      Array.from({ length: data.length / 2 }, (_, i) => `${data[2 * i]} ${data[2 * i + 1]}`).sort();
    for (const image of images) expect(vectors(image)).toEqual(vectors(images[0]!));
  });

  it('turns counter-clockwise, and mirrors before', () => {
    const once = turned(placesOf(3, 2), { flip: false, turns: 1 });
    expect([once.width, once.height]).toEqual([2, 3]);
    expect([...once.data]).toEqual([2, 0, 2, 1, 1, 0, 1, 1, 0, 0, 0, 1]); // columns 2, 1, 0 from above to below
    const transposed = turned(placesOf(3, 2), { flip: true, turns: 1 });
    expect([...transposed.data]).toEqual([0, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1]);
  });

  it('is undone by the inverse', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...ALL), ([width, height], view) => {
        const map = placesOf(width, height);
        expect(turned(turned(map, view), inverseOf(view))).toEqual(map);
      }),
    );
  });
});
