import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitPlane, type Match, normalisationOf } from '../../../packages/core/src/registration/fit_plane.ts';
import { affineOf, invertPoint, mapPoint, slopesOf } from '../../../packages/core/src/registration/plane_map.ts';
import {
  type GroundPosition,
  MODEL_KINDS,
  type PlaneMap,
} from '../../../packages/core/src/registration/registration.ts';

const places: GroundPosition[] = Array.from({ length: 49 }, (_, i) => [
  500_000 + (i % 7) * 1500,
  4e6 + Math.floor(i / 7) * 1500,
]);
/** A smooth displacement, which no polynomial of the ladder has. */
const bent = ([x, y]: GroundPosition): GroundPosition => [
  x + 30 + 20 * Math.sin((x - 500_000) / 3000),
  y - 12 + 15 * Math.cos((y - 4e6) / 3500),
];
const matches: Match[] = places.map((from) => ({ from, to: bent(from), covariance: [25, 0, 25] }));
const maps = MODEL_KINDS.map(
  (kind): PlaneMap => fitPlane(kind, matches, { ...normalisationOf(places), smoothing: 1e-4 })!,
);

const place = fc.tuple(
  fc.double({ min: 500_000, max: 509_000, noNaN: true }),
  fc.double({ min: 4e6, max: 4.009e6, noNaN: true }),
);

describe.each(maps)('$kind', (map) => {
  it('is inverted by Newton’s method', () => {
    fc.assert(
      fc.property(place, (from) => {
        const [x, y] = invertPoint(map, mapPoint(map, from));
        expect(Math.hypot(x - from[0], y - from[1])).toBeLessThan(1e-4);
      }),
    );
  });

  it('has the slopes of its differences', () => {
    fc.assert(
      fc.property(place, ([x, y]) => {
        const [xx, xy, yx, yy] = slopesOf(map, [x, y]);
        const [right, left] = [mapPoint(map, [x + 1, y]), mapPoint(map, [x - 1, y])];
        const [upper, lower] = [mapPoint(map, [x, y + 1]), mapPoint(map, [x, y - 1])];
        expect(xx).toBeCloseTo((right[0] - left[0]) / 2, 5);
        expect(yx).toBeCloseTo((right[1] - left[1]) / 2, 5);
        expect(xy).toBeCloseTo((upper[0] - lower[0]) / 2, 5);
        expect(yy).toBeCloseTo((upper[1] - lower[1]) / 2, 5);
      }),
    );
  });
});

describe('affineOf', () => {
  it('repeats a map that is affine', () => {
    const affine = maps.find(({ kind }) => kind === 'affine')!;
    const [a0, a1, a2, a3, a4, a5] = affineOf(affine, [500_000, 4e6, 509_000, 4.009e6]);
    const [x, y] = mapPoint(affine, [503_000, 4_007_000]);
    expect(a0 + a1 * 503_000 + a2 * 4_007_000).toBeCloseTo(x, 4);
    expect(a3 + a4 * 503_000 + a5 * 4_007_000).toBeCloseTo(y, 4);
  });
});

describe('invertPoint', () => {
  it('gives NaN where a map folds', () => {
    const fold: PlaneMap = {
      kind: 'quadratic',
      origin: [0, 0],
      scale: 1,
      x: [0, 0, 0, 1, 0, 0],
      y: [0, 0, 1, 0, 0, 0],
    };
    expect(invertPoint(fold, [-5, 0]).every(Number.isNaN)).toBe(true);
  });
});
