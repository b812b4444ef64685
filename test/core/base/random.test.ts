import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';

const draws = (rng: Rng) => Array.from({ length: 20 }, () => rng.float());

describe('Rng', () => {
  it('repeats a stream for the same seed and labels, and no other', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), fc.nat(), (seed, label, epoch) => {
        expect(draws(Rng.derive(seed, label, epoch))).toEqual(draws(Rng.derive(seed, label, epoch)));
        expect(draws(Rng.derive(seed, label, epoch))).not.toEqual(draws(Rng.derive(seed, label, epoch + 1)));
      }),
    );
  });

  it('shuffles to a permutation', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const numeric = (a: number, b: number) => a - b;
        expect(
          Rng.derive(seed)
            .shuffle([...items])
            .sort(numeric),
        ).toEqual([...items].sort(numeric));
      }),
    );
  });

  it.each([0.5, 1, 4.4, 30])('gamma(%d) has its mean and variance', (shape) => {
    const rng = Rng.derive(3, 'gamma', shape);
    const values = Array.from({ length: 100_000 }, () => rng.gamma(shape));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean / shape).toBeCloseTo(1, 1);
    expect(Math.abs(variance / shape - 1)).toBeLessThan(0.05);
  });
});
