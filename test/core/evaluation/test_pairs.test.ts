import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PairRecord } from '../../../packages/core/src/dataset/dataset.ts';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { drawSearches } from '../../../packages/core/src/evaluation/search_pairs.ts';
import { drawTestPairs } from '../../../packages/core/src/evaluation/test_pairs.ts';
import { guardWhere } from '../dataset/fake_guard.ts';

const records = (count: number, perPlace = 4): PairRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `pair ${i}`,
    sar: `sar/${i}.png`,
    optical: `optical/${i}.png`,
    group: `place ${Math.floor(i / perPlace)}`,
    label: 1,
    provenance: 'real',
  }));
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Forbids pairs whose records lie within `distance` of each other, as neighbouring patches would. */
const within = (distance: number) => guardWhere((i, j) => Math.abs(i - j) <= distance);
const nothing = guardWhere(() => false);

describe('test pairs', () => {
  test('are every positive and as many shuffled negatives, none of which the guard forbids', () => {
    const plan = fc.record({
      count: fc.integer({ min: 8, max: 60 }),
      distance: fc.integer({ min: 0, max: 2 }),
      negativesPerPositive: fc.integer({ min: 0, max: 3 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(plan, ({ count, distance, negativesPerPositive, seed }) => {
        const guard = within(distance);
        const { pairs, shortage } = drawTestPairs(records(count), all(count), guard, { seed, negativesPerPositive });
        const positives = pairs.filter((pair) => pair.label === 1);
        const negatives = pairs.filter((pair) => pair.label === 0);
        expect(positives.map((pair) => pair.sar)).toEqual(all(count));
        expect(negatives.length + shortage).toBe(count * negativesPerPositive);
        if (count > 20) expect(shortage).toBe(0);
        expect(negatives.every((pair) => pair.sar !== pair.optical && !guard.conflict(pair.sar, pair.optical))).toBe(
          true,
        );
        expect(new Set(pairs.map((pair) => `${pair.sar} ${pair.optical}`)).size).toBe(pairs.length);
      }),
    );
  });

  test('deal every SAR patch out once a round', () => {
    const { pairs } = drawTestPairs(records(50), all(50), within(1), { seed: 1, negativesPerPositive: 2 });
    const uses = all(50).map((sar) => pairs.filter((pair) => pair.label === 0 && pair.sar === sar).length);
    expect(uses).toEqual(Array(50).fill(2));
  });

  test('are the same for a seed and others for another', () => {
    const draw = (seed: number) => drawTestPairs(records(30), all(30), nothing, { seed, negativesPerPositive: 1 });
    expect(draw(4)).toEqual(draw(4));
    expect(draw(4)).not.toEqual(draw(5));
  });

  test('keep the negatives that the data set brings', () => {
    const given = records(8).map((record, i) => ({ ...record, label: (i < 6 ? 1 : 0) as 0 | 1 }));
    const { pairs } = drawTestPairs(given, all(8), nothing, { seed: 1, negativesPerPositive: 0 });
    expect(pairs.filter((pair) => pair.label === 0)).toEqual([
      { sar: 6, optical: 6, label: 0, provenance: 'real' },
      { sar: 7, optical: 7, label: 0, provenance: 'real' },
    ]);
  });

  test('say how many negatives could not be had', () => {
    const { pairs, shortage } = drawTestPairs(records(4), all(4), within(3), { seed: 1, negativesPerPositive: 1 });
    expect(pairs.filter((pair) => pair.label === 0)).toEqual([]);
    expect(shortage).toBe(4);
  });

  test('refuse a split without positives and generated pairs', () => {
    const draw = (given: PairRecord[]) =>
      drawTestPairs(given, all(given.length), nothing, { seed: 1, negativesPerPositive: 1 });
    expect(() => draw([])).toThrow(SplitError);
    expect(() => draw(records(3).map((record) => ({ ...record, label: 0 as const })))).toThrow(/none of them positive/);
    expect(() => draw(records(3).map((record) => ({ ...record, provenance: 'generated' as const })))).toThrow(
      /generated/,
    );
  });
});

describe('searches', () => {
  const draw = (count: number, options = {}) =>
    drawSearches(all(count), within(2), { candidates: 10, anchors: 20, seed: 1, ...options });

  test('give every anchor the same number of others, all allowed and different', () => {
    const { searches, candidates, leftOut } = draw(100);
    expect([searches.length, candidates, leftOut]).toEqual([20, 10, 0]);
    expect(new Set(searches.map(({ anchor }) => anchor)).size).toBe(20);
    for (const { anchor, others } of searches) {
      expect(new Set(others).size).toBe(9);
      expect(others.every((other) => Math.abs(other - anchor) > 2)).toBe(true);
    }
  });

  test('have fewer candidates in a small split, and leave out anchors with fewer still', () => {
    const { searches, candidates, leftOut } = draw(12, { anchors: 12 });
    expect(candidates).toBe(8); // half of the anchors have 7 others or more
    expect(searches.length + leftOut).toBe(12);
    expect(searches.length).toBeGreaterThanOrEqual(6);
  });

  test('are none where nothing is allowed or asked for', () => {
    expect(draw(3)).toMatchObject({ searches: [], candidates: 0 });
    expect(draw(100, { anchors: 0 }).searches).toEqual([]);
  });

  test('take the others at random', () => {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 40; seed++) {
      for (const { others } of drawSearches(all(60), nothing, { candidates: 11, anchors: 10, seed }).searches) {
        for (const other of others) counts.set(other, (counts.get(other) ?? 0) + 1);
      }
    }
    const uses = [...counts.values()]; // 4,000 draws of 60 patches: 67 each, ± 8
    expect(Math.min(...uses)).toBeGreaterThan(35);
    expect(Math.max(...uses)).toBeLessThan(105);
  });
});
