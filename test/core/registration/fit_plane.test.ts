import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import {
  fitPlane,
  type Match,
  mahalanobis,
  normalisationOf,
} from '../../../packages/core/src/registration/fit_plane.ts';
import { mapPoint } from '../../../packages/core/src/registration/plane_map.ts';
import type { GroundPosition, ModelKind } from '../../../packages/core/src/registration/registration.ts';

const grid: GroundPosition[] = Array.from({ length: 36 }, (_, i) => [
  3e5 + (i % 6) * 900,
  5e6 + Math.floor(i / 6) * 900,
]);
const exact = (to: (p: GroundPosition) => GroundPosition): Match[] =>
  grid.map((from) => ({ from, to: to(from), covariance: [4, 1, 9] }));

describe('fitPlane', () => {
  it.each<[ModelKind, (p: GroundPosition) => GroundPosition]>([
    ['shift', ([x, y]) => [x + 31, y - 7]],
    ['similarity', ([x, y]) => [x * 1.01 - y * 0.02 + 31, y * 1.01 + x * 0.02 - 7]],
    ['affine', ([x, y]) => [x * 1.02 - y * 0.01 + 5, y * 0.98 + x * 0.03]],
    ['quadratic', ([x, y]) => [x + (x - 3e5) ** 2 / 1e6, y - ((x - 3e5) * (y - 5e6)) / 2e6]],
  ])('repeats an exact %s', (kind, to) => {
    const map = fitPlane(kind, exact(to), normalisationOf(grid))!;
    for (const from of grid) {
      const [[x, y], [wantedX, wantedY]] = [mapPoint(map, from), to(from)];
      expect(Math.hypot(x - wantedX, y - wantedY)).toBeLessThan(1e-4);
    }
  });

  it('follows a bent displacement with a spline, the closer the less it is smoothed', () => {
    const matches = exact(([x, y]) => [x + 20 * Math.sin((x - 3e5) / 4000), y]);
    const errors = [1e-6, 1e-3, 1].map((smoothing) => {
      const map = fitPlane('spline', matches, { ...normalisationOf(grid), smoothing })!;
      return Math.max(...matches.map(({ from, to }) => Math.abs(mapPoint(map, from)[0] - to[0])));
    });
    expect(errors[0]).toBeLessThan(0.5);
    expect(errors[0]).toBeLessThan(errors[1]!);
    expect(errors[1]).toBeLessThan(errors[2]!);
  });

  it('weighs by covariance: the mean of two shifts lies by the surer one', () => {
    const [from, unsure, sure] = [
      [0, 0],
      [100, 1, 1],
      [1, 0, 100],
    ] as const;
    const map = fitPlane(
      'shift',
      [
        { from, to: [10, 0], covariance: [...unsure] },
        { from, to: [0, 10], covariance: [...sure] },
      ],
      { origin: [0, 0], scale: 1 },
    )!;
    const [x, y] = mapPoint(map, [0, 0]);
    expect(x).toBeLessThan(0.2);
    expect(y).toBeLessThan(0.2);
  });

  it('has a smaller error with the true covariances than without', () => {
    const rng = Rng.derive(3, 'weights');
    const errors = Array.from({ length: 60 }, () => {
      const matches = grid.map((from): Match => {
        const sigma = rng.float() < 0.5 ? 1 : 20;
        return {
          from,
          to: [from[0] + sigma * rng.normal(), from[1] + sigma * rng.normal()],
          covariance: [sigma ** 2, 0, sigma ** 2],
        };
      });
      const errorOf = (of: readonly Match[]) => {
        const [x, y] = mapPoint(fitPlane('affine', of, normalisationOf(grid))!, grid[0]!);
        return Math.hypot(x - grid[0]![0], y - grid[0]![1]);
      };
      return [errorOf(matches), errorOf(matches.map((match) => ({ ...match, covariance: [1, 0, 1] })))] as const;
    });
    const mean = (i: 0 | 1) => errors.reduce((sum, each) => sum + each[i], 0) / errors.length;
    expect(mean(0)).toBeLessThan(0.5 * mean(1));
  });

  it('refuses what does not determine a map', () => {
    const line = grid.slice(0, 6).map((from): Match => ({ from, to: from, covariance: [1, 0, 1] }));
    expect(fitPlane('affine', line, normalisationOf(grid))).toBeUndefined();
    expect(fitPlane('affine', line.slice(0, 2), normalisationOf(grid))).toBeUndefined();
    expect(fitPlane('quadratic', line, normalisationOf(grid))).toBeUndefined();
  });
});

describe('mahalanobis', () => {
  it('is the squared distance for a unit covariance, and divides by the variance', () => {
    fc.assert(
      fc.property(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), (x, y) => {
        expect(mahalanobis([x, y], [1, 0, 1])).toBeCloseTo(x * x + y * y);
        expect(mahalanobis([x, y], [4, 0, 9])).toBeCloseTo(x ** 2 / 4 + y ** 2 / 9);
      }),
    );
    expect(mahalanobis([1, 1], [2, 1, 2])).toBeCloseTo(2 / 3); // [1 1] · inverse of [2 1; 1 2] · [1 1]
  });
});
