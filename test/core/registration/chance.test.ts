import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { logTail, luckOf, shareWithin } from '../../../packages/core/src/registration/chance.ts';
import type { Match } from '../../../packages/core/src/registration/fit_plane.ts';
import { robustFit, type StiffKind } from '../../../packages/core/src/registration/robust_fit.ts';

describe('logTail', () => {
  it('is the binomial tail', () => {
    expect(10 ** logTail(3, 2, 0.5)).toBeCloseTo(0.5);
    expect(10 ** logTail(4, 1, 0.1)).toBeCloseTo(1 - 0.9 ** 4);
    expect(logTail(5, 0, 0.1)).toBe(0);
    expect(logTail(200, 200, 0.01)).toBeCloseTo(-400);
  });
});

describe('luckOf', () => {
  it.each<[StiffKind, number]>([
    ['shift', 8],
    ['shift', 40],
    ['similarity', 20],
    ['affine', 20],
  ])('is not below the share of random %s fits of %i points that agree as well', (kind, count) => {
    const [search, gate, runs] = [16, 3, 100];
    const share = shareWithin(gate, search);
    const lucks = Array.from({ length: runs }, (_, seed) => {
      const rng = Rng.derive(seed, 'luck');
      const matches = Array.from({ length: count }, (): Match => {
        const from = [rng.float() * 1000, rng.float() * 1000] as const;
        const anywhere = () => (2 * rng.float() - 1) * (search + 0.5);
        return { from, to: [from[0] + anywhere(), from[1] + anywhere()], covariance: [1, 0, 1] };
      });
      const fit = robustFit(kind, matches, { origin: [500, 500], scale: 700, gate, rng });
      return luckOf(kind, count, fit?.inliers.length ?? 0, share);
    });
    for (const level of [-0.5, -1]) {
      expect(lucks.filter((luck) => luck <= level).length / runs).toBeLessThanOrEqual(10 ** level);
    }
  });
});
