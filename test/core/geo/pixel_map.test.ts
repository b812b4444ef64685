import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affineMap, type ControlPoint, fitMap } from '../../../packages/core/src/geo/pixel_map.ts';

const near = (a: number, b: number, scale: number) => Math.abs(a - b) <= 1e-6 * scale;
const number = (size: number) => fc.double({ min: -size, max: size, noNaN: true });

const affine = fc
  .tuple(number(1e6), number(100), number(100), number(1e6), number(100), number(100))
  .filter(([, a1, a2, , a4, a5]) => Math.abs(a1 * a5 - a2 * a4) > 1 && Math.abs(a1 * a5 - a2 * a4) < 1e5)
  .map((values) => values as [number, number, number, number, number, number]);

const lattice = (count: number, toGround: (c: number, r: number) => [number, number]): ControlPoint[] =>
  Array.from({ length: count * count }, (_, i) => {
    const [column, row] = [(i % count) * 40, Math.floor(i / count) * 30];
    const [x, y] = toGround(column, row);
    return { column, row, x, y };
  });

describe('pixel maps', () => {
  it('an affine one comes back to the pixel', () => {
    fc.assert(
      fc.property(affine, number(1e4), number(1e4), (transform, column, row) => {
        const { toGround, toPixel } = affineMap(transform);
        const [c, r] = toPixel(...toGround(column, row));
        return near(c, column, 1e4) && near(r, row, 1e4);
      }),
      { seed: 1 },
    );
  });

  it('a fit of points of an affine map is that map, without residuals', () => {
    fc.assert(
      fc.property(affine, fc.constantFrom(2, 3, 4), number(100), number(100), (transform, count, column, row) => {
        const exact = affineMap(transform);
        const fitted = fitMap(lattice(count, exact.toGround))!;
        const [x, y] = exact.toGround(column, row);
        const [foundX, foundY] = fitted.toGround(column, row);
        return near(foundX, x, 1e6) && near(foundY, y, 1e6) && fitted.worst < 1e-6;
      }),
      { seed: 2 },
    );
  });

  it('a curved fit goes there and back', () => {
    fc.assert(
      fc.property(number(1e-4), number(1e-4), number(1e-4), (bendX, bendY, twist) => {
        const toGround = (c: number, r: number): [number, number] => [
          5e5 + 10 * (c + bendX * c * c + twist * c * r),
          5e6 - 10 * (r + bendY * r * r - twist * c * r),
        ];
        const fitted = fitMap(lattice(4, toGround))!;
        const [x, y] = toGround(50, 41);
        const [c, r] = fitted.toPixel(x, y);
        return fitted.order === 2 && near(c, 50, 10) && near(r, 41, 10) && fitted.worst < 1e-6;
      }),
      { seed: 3 },
    );
  });

  it('points on either side of the antimeridian are fitted as those elsewhere', () => {
    fc.assert(
      fc.property(fc.double({ min: -180, max: 180, noNaN: true }), (west) => {
        const wrapped = (x: number) => ((((x + 180) % 360) + 360) % 360) - 180;
        const points = lattice(3, (c, r) => [wrapped(west + 1e-3 * c), 10 - 1e-3 * r]);
        const [x, y] = fitMap(points, 360)!.toGround(40, 30);
        return near(Math.cos(((x - west - 0.04) * Math.PI) / 180), 1, 1e-3) && near(y, 9.97, 1);
      }),
      { seed: 4 },
    );
  });

  it('points nearly on a line make no map: what lies off it would be noise', () => {
    const near = (off: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        ...{ column: i * 10, row: i * 5 + (i % 2) * off },
        ...{ x: 15 + i * 1e-3, y: 45 - i * 5e-4 - (i % 2) * off * 1e-4 },
      }));
    expect([fitMap(near(0.01, 3)), fitMap(near(0.01, 6)), fitMap(near(0.2, 200))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(fitMap(near(2, 6))).toBeDefined();
  });

  it('too few points, or points on a line, make no map', () => {
    expect(fitMap([])).toBeUndefined();
    expect(fitMap(lattice(2, (c, r) => [c, r]).slice(0, 2))).toBeUndefined();
    expect(fitMap(Array.from({ length: 8 }, (_, i) => ({ column: i, row: 5, x: i, y: i })))).toBeUndefined();
  });
});
