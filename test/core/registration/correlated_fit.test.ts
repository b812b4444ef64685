import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { correlatedFit } from '../../../packages/core/src/registration/correlated_fit.ts';
import type { Match } from '../../../packages/core/src/registration/fit_plane.ts';
import { mapPoint } from '../../../packages/core/src/registration/plane_map.ts';
import type { GroundPosition } from '../../../packages/core/src/registration/registration.ts';

const PLACE = { origin: [0, 0] as const, scale: 7000, pixel: 10 };
const FREE = { turn: 1, shear: 1 };
const USUAL = { turn: 5e-4, shear: 5e-4 };
const CORNER = [5000, 5000] as const;

/** Matches on a lattice of 10 × 10 places, moved by a map and by what `field` and noise of 5 m add. */
function matches(map: (at: GroundPosition) => GroundPosition, seed: number, field = (_: GroundPosition) => 0): Match[] {
  const rng = Rng.derive(seed, 'matches');
  const noise = () => 5 * (rng.float() + rng.float() + rng.float() + rng.float() - 2) * Math.sqrt(3);
  return Array.from({ length: 100 }, (_, i) => {
    const from: GroundPosition = [1000 * (i % 10) - 4500, 1000 * Math.floor(i / 10) - 4500];
    const [x, y] = map(from);
    return { from, to: [x + field(from) + noise(), y + noise()], covariance: [25, 0, 25] };
  });
}

const shifted = ([x, y]: GroundPosition): GroundPosition => [x + 30, y - 20];
const turned = ([x, y]: GroundPosition): GroundPosition => [x + 30 + 0.02 * y, y - 20 - 0.02 * x];

/** A ridge that moves the places on one side of it to the right. */
const ridge = ([x, y]: GroundPosition) => 25 * Math.sin((x + 0.4 * y) / 1800);

const errorAt = (map: Parameters<typeof mapPoint>[0], truth: typeof shifted) => {
  const [[x, y], [u, v]] = [mapPoint(map, CORNER), truth(CORNER)];
  return Math.hypot(x - u, y - v);
};
const meanOf = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
const SEEDS = [1, 2, 3, 4, 5];

describe('correlatedFit', () => {
  it('finds a turn, and none with the prior of georeferences that are right', () => {
    for (const seed of SEEDS) {
      expect(
        errorAt(correlatedFit('similarity', matches(turned, seed), { ...PLACE, slopes: FREE })!.map, turned),
      ).toBeLessThan(5);
      const fit = correlatedFit('affine', matches(shifted, seed), { ...PLACE, slopes: USUAL })!;
      expect(errorAt(fit.map, shifted)).toBeLessThan(5);
      expect(fit.linearAt(CORNER).length).toBeLessThan(2 * fit.linearAt(CORNER).deviation);
    }
  });

  it('is less sure of corners where neighbours err alike', () => {
    const uncertainty = (field?: typeof ridge) =>
      meanOf(
        SEEDS.map((seed) =>
          correlatedFit('affine', matches(shifted, seed, field), { ...PLACE, slopes: FREE })!.uncertaintyAt(CORNER),
        ),
      );
    expect(uncertainty(ridge)).toBeGreaterThan(4 * uncertainty());
  });

  it('errs less at the corners with the prior where terrain leans the points', () => {
    const error = (slopes: typeof FREE) =>
      meanOf(
        SEEDS.map((seed) =>
          errorAt(correlatedFit('affine', matches(shifted, seed, ridge), { ...PLACE, slopes })!.map, shifted),
        ),
      );
    expect(error(USUAL)).toBeLessThan(error(FREE));
  });

  it('takes means of neighbours where there are many, and none where there are too few', () => {
    const many = Array.from({ length: 20 }, (_, seed) => matches(turned, seed)).flat();
    expect(errorAt(correlatedFit('affine', many, { ...PLACE, slopes: FREE })!.map, turned)).toBeLessThan(2);
    expect(correlatedFit('affine', many.slice(0, 3), { ...PLACE, slopes: FREE })).toBeUndefined();
    expect(correlatedFit('shift', many.slice(0, 1), { ...PLACE, slopes: FREE })).toBeUndefined();
  });
});
