import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { figuresOf, type MetricResidual, qualityOf } from '../../../packages/core/src/registration/quality.ts';

const residuals = (count: number, seed: number): MetricResidual[] => {
  const rng = Rng.derive(seed, 'residuals');
  return Array.from({ length: count }, () => [3 + 10 * rng.normal(), -2 + 10 * rng.normal()] as const);
};

describe('qualityOf', () => {
  it('has figures of known residuals', () => {
    const figures = figuresOf([
      [3, 0],
      [5, 0],
      [4, 4],
    ]);
    expect(figures).toMatchObject({ biasX: 4, rmseX: Math.sqrt(50 / 3) });
    expect(figures.biasY).toBeCloseTo(4 / 3);
    expect(figures.ce90).toBeCloseTo(5 + 0.8 * (Math.hypot(4, 4) - 5));
  });

  it('says nothing of one point', () => expect(qualityOf([[1, 1]], [[2, 2]], 10, 1)).toBeUndefined());

  it('has intervals that cover the truth about nine times in ten', () => {
    const truth = figuresOf(residuals(20_000, 77));
    const covered = { biasX: 0, rmseX: 0, ce90: 0 };
    const runs = 40;
    for (let seed = 0; seed < runs; seed++) {
      const { intervals } = qualityOf(residuals(25, seed), residuals(25, seed), 10, seed)!;
      for (const name of ['biasX', 'rmseX', 'ce90'] as const) {
        const [low, high] = intervals[name];
        if (low <= truth[name] && truth[name] <= high) covered[name]++;
      }
    }
    for (const count of Object.values(covered)) expect(count / runs).toBeGreaterThan(0.75);
    expect(covered.biasX / runs).toBeLessThan(1);
  });
});
