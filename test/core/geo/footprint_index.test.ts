import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Footprint } from '../../../packages/core/src/geo/footprint.ts';
import { FootprintIndex } from '../../../packages/core/src/geo/footprint_index.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';

const square = (crs: string, x: number, y: number, side: number): Footprint => ({
  crs,
  bounds: [x - side / 2, y - side / 2, x + side / 2, y + side / 2],
});

/** A square of the given metres around a place, in a projected system. */
function at(crs: string, longitude: number, latitude: number, side = 640): Footprint {
  const [x, y] = transformBetween('EPSG:4326', crs, 'test')(longitude, latitude);
  return square(crs, x, y, side);
}

describe('FootprintIndex', () => {
  it('agrees with comparing all pairs of rectangles', () => {
    const box = fc.record({
      x: fc.integer({ min: 0, max: 60 }),
      y: fc.integer({ min: 0, max: 60 }),
      side: fc.integer({ min: 2, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(box, { maxLength: 40 }), fc.constantFrom(0, 0.5, 1, 2), (boxes, margin) => {
        const footprints = boxes.map(({ x, y, side }) => square('EPSG:3395', x, y, side));
        const index = new FootprintIndex(footprints, margin, 'test');
        boxes.forEach((a, i) => {
          const near = boxes.flatMap((b, j) => {
            const gap = Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) - (a.side + b.side) / 2;
            return j !== i && gap < margin * Math.max(a.side, b.side) - 1e-3 * Math.min(a.side, b.side) ? [j] : [];
          });
          expect(index.near(i).sort((p, q) => p - q)).toEqual(near);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('holds that tiles of a grid which only touch do not overlap, for all the rounding of their bounds', () => {
    const west: Footprint = {
      crs: 'EPSG:3395',
      bounds: [-13234943.642414156, 4037900.668354528, -13224703.358944803, 4048140.829020021],
    };
    const east: Footprint = {
      crs: 'EPSG:3395',
      bounds: [-13224703.358944805, 4037900.668354528, -13214463.075475452, 4048140.829020021],
    };
    expect(new FootprintIndex([west, east], 0, 'test').near(0)).toEqual([]);
    expect(new FootprintIndex([west, east], 0.1, 'test').near(0)).toEqual([1]);
  });

  it('compares footprints of different reference systems on the ground', () => {
    const metres = (north: number) => 34 + north / 110_900; // degrees of latitude
    const footprints = [
      at('EPSG:32611', -118, metres(0)),
      at('EPSG:3395', -118, metres(300), 640 / Math.cos((34 * Math.PI) / 180)),
      at('EPSG:4326', -118, metres(700), 0.0058),
      at('EPSG:32611', -118, metres(3000)),
    ];
    const overlapping = new FootprintIndex(footprints, 0, 'test');
    expect(overlapping.near(0)).toEqual([1]);
    expect(overlapping.near(1).sort()).toEqual([0, 2]);
    const near = new FootprintIndex(footprints, 1, 'test');
    expect(near.near(0).sort()).toEqual([1, 2]);
    expect(near.near(3)).toEqual([]);
  });

  it('looks beyond the antimeridian', () => {
    const footprints = [at('EPSG:32660', 179.999, 10), at('EPSG:32601', -179.999, 10), at('EPSG:32601', -179.9, 10)];
    expect(new FootprintIndex(footprints, 0, 'test').near(0)).toEqual([1]);
    expect(new FootprintIndex(footprints, 0, 'test').near(1)).toEqual([0]);
  });

  it('knows nothing of footprints that are absent', () => {
    const index = new FootprintIndex([undefined, square('EPSG:3395', 0, 0, 10), undefined], 1, 'test');
    expect([0, 1, 2].map((i) => index.near(i))).toEqual([[], [], []]);
    expect(new FootprintIndex([], 1, 'test').near(0)).toEqual([]);
  });
});

describe('FootprintIndex round the Earth', () => {
  const box = (crs: string, ...bounds: [number, number, number, number]): Footprint => ({ crs, bounds });
  const areNear = (a: Footprint, b: Footprint, margin = 0) => {
    const index = new FootprintIndex([a, b], margin, 'test');
    return index.near(0).includes(1) && index.near(1).includes(0);
  };

  it.each<[string, Footprint, Footprint, number, boolean]>([
    ['190° and -170°', box('EPSG:4326', 190, 10, 190.01, 10.01), box('EPSG:4326', -170, 10, -169.99, 10.01), 0, true],
    ['190° and -169°', box('EPSG:4326', 190, 10, 190.01, 10.01), box('EPSG:4326', -169, 10, -168.99, 10.01), 0, false],
    [
      'neighbours over 180°',
      box('EPSG:4326', 179.98, 10, 180, 10.02),
      box('EPSG:4326', -180, 10, -179.98, 10.02),
      1,
      true,
    ],
    [
      'neighbours over 180° that only touch',
      box('EPSG:4326', 179.98, 10, 180, 10.02),
      box('EPSG:4326', -180, 10, -179.98, 10.02),
      0,
      false,
    ],
    [
      'one across 180° and one beyond',
      box('EPSG:4326', 179.9, 10, 180.1, 10.2),
      box('EPSG:4326', -180, 10.05, -179.95, 10.1),
      0,
      true,
    ],
    [
      'the same in a web map',
      box('EPSG:3857', 20_037_508 + 1e6, 0, 20_037_508 + 1.01e6, 1e4),
      box('EPSG:3857', -20_037_508 + 1e6, 0, -20_037_508 + 1.01e6, 1e4),
      0,
      true,
    ],
    [
      'degrees against a UTM zone across 180°',
      at('EPSG:32760', 180.001, -17),
      box('EPSG:4326', -180, -17.002, -179.998, -16.998),
      0,
      true,
    ],
    [
      'a polar square and a ring of degrees about the pole',
      box('EPSG:3413', -1e5, -1e5, 1e5, 1e5),
      box('EPSG:4326', -180, 89.5, 180, 90),
      0,
      true,
    ],
    [
      'a polar square and degrees outside of it',
      box('EPSG:3413', -1e5, -1e5, 1e5, 1e5),
      box('EPSG:4326', 10, 85, 11, 86),
      0,
      false,
    ],
    [
      'two polar squares of two systems',
      box('EPSG:3413', -1e5, -1e5, 1e5, 1e5),
      box('EPSG:3995', 0, 0, 5e4, 5e4),
      0,
      true,
    ],
    ['neighbours over the pole', box('EPSG:4326', 0, 89.99, 1, 90), box('EPSG:4326', 180, 89.99, 181, 90), 1, true],
    [
      'the south pole and the north',
      box('EPSG:3413', -1e5, -1e5, 1e5, 1e5),
      box('EPSG:3031', -1e5, -1e5, 1e5, 1e5),
      1,
      false,
    ],
  ])('%s', (_, a, b, margin, expected) => {
    expect(areNear(a, b, margin)).toBe(expected);
  });

  it('turns of a longitude make no difference', () => {
    const degrees = fc.double({ min: -180, max: 180, noNaN: true });
    fc.assert(
      fc.property(
        degrees,
        degrees,
        fc.constantFrom(-720, -360, 360, 720),
        fc.constantFrom(0, 1),
        (x, y, turn, margin) => {
          const [a, b] = [box('EPSG:4326', x, 10, x + 5, 14), box('EPSG:4326', y, 12, y + 5, 16)];
          const turned = box('EPSG:4326', y + turn, 12, y + 5 + turn, 16);
          return areNear(a, b, margin) === areNear(a, turned, margin);
        },
      ),
      { seed: 6 },
    );
  });
});
