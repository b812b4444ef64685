import { describe, expect, test } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { rankAtRandom, rankByScore } from '../../../packages/core/src/mining/rank.ts';

describe('ranking', () => {
  test('by score goes from the highest down, equal scores by record', () => {
    const candidates = [7, 3, 5, 1];
    const order = rankByScore(candidates, [0.5, 0.9, 0.5, 0.1]);
    expect(Array.from(order, (position) => candidates[position])).toEqual([3, 5, 7, 1]);
  });

  test('at random depends on the candidates and the seed alone', () => {
    const ranked = (candidates: number[], seed: number) =>
      Array.from(rankAtRandom(candidates, Rng.derive(seed, 'test')), (position) => candidates[position]);
    const candidates = Array.from({ length: 30 }, (_, i) => i);
    expect(ranked(candidates.toReversed(), 1)).toEqual(ranked(candidates, 1));
    expect(ranked(candidates, 2)).not.toEqual(ranked(candidates, 1));
    expect(ranked(candidates, 1).toSorted((a, b) => a! - b!)).toEqual(candidates);
  });
});
