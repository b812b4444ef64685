import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { consensusOf, type Vote } from '../../../packages/core/src/localisation/consensus.ts';

const around = (row: number, column: number, count: number, spread: number, seed = 1): Vote[] => {
  const rng = Rng.derive(seed, 'votes');
  return Array.from({ length: count }, () => ({
    row: row + spread * rng.normal(),
    column: column + spread * rng.normal(),
    weight: 1,
  }));
};
const anywhere = (count: number): Vote[] => {
  const rng = Rng.derive(2, 'votes');
  return Array.from({ length: count }, () => ({
    row: rng.float() * 32 - 16,
    column: rng.float() * 32 - 16,
    weight: 1,
  }));
};

describe('consensusOf', () => {
  it('finds the place that a third of the votes agree on', () => {
    const found = consensusOf([...anywhere(60), ...around(-4.2, 7.1, 30, 0.8)])!;
    expect(found.row).toBeCloseTo(-4.2, 0);
    expect(found.column).toBeCloseTo(7.1, 0);
    expect(found).toMatchObject({ votes: 90 });
    expect(found.inliers).toBeGreaterThanOrEqual(28);
    expect(found.uncertainty).toBeCloseTo(found.spread / Math.sqrt(found.inliers), 10);
  });

  it('states an uncertainty that covers its error', () => {
    const errors = Array.from({ length: 40 }, (_, seed) => {
      const found = consensusOf(around(1, -2, 25, 1, seed))!;
      return Math.hypot(found.row - 1, found.column + 2) / found.uncertainty;
    });
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(rms).toBeGreaterThan(0.7);
    expect(rms).toBeLessThan(1.4);
  });

  it('counts votes by their weight', () => {
    const votes = [...around(0, 0, 10, 0.3), ...around(9, 9, 6, 0.3).map((vote) => ({ ...vote, weight: 3 }))];
    expect(consensusOf(votes)!.row).toBeCloseTo(9, 0);
  });

  it('has no answer without votes of any weight', () => {
    expect(consensusOf([])).toBeUndefined();
    expect(consensusOf([{ row: 1, column: 1, weight: 0 }])).toBeUndefined();
  });
});
