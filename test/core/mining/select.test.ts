import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { exclusions } from '../../../packages/core/src/mining/exclusion.ts';
import {
  type Exclusion,
  needsScores,
  RULES,
  rankAtRandom,
  rankByScore,
  type SelectionRules,
  select,
} from '../../../packages/core/src/mining/select.ts';
import { guardWhere } from '../dataset/fake_guard.ts';

const plain: SelectionRules = { k: 2, rankMin: 0, rankMax: Infinity, sampling: 'top' };
const nothing: Exclusion = {
  isGuarded: () => false,
  imageOf: (candidate) => candidate,
  isSpent: () => false,
};
const rng = () => Rng.derive(1, 'test');

/** A row of candidates 0, 1, 2, … with these scores. */
function rowOf(scores: readonly number[], positive = 0.9, candidates = scores.map((_, i) => i)) {
  const order = rankByScore(candidates, scores);
  return {
    candidates: Array.from(order, (position) => candidates[position]!),
    scores: Array.from(order, (position) => scores[position]!),
    positive,
  };
}
const chosen = (scores: readonly number[], rules: Partial<SelectionRules>, exclusion = nothing, positive = 0.9) =>
  select(rowOf(scores, positive), { ...plain, ...rules }, exclusion, rng()).chosen.map(({ candidate }) => candidate);

describe('rules', () => {
  const scores = [0.1, 0.9, 0.5, 0.7, 0.3];

  test('without any the hardest are chosen, by rank', () => {
    expect(chosen(scores, { k: 3 })).toEqual([1, 3, 2]);
  });

  test('ranks start at 0 with the hardest, and the end is not included', () => {
    expect(chosen(scores, { k: 5, rankMin: 1 })).toEqual([3, 2, 4, 0]);
    expect(chosen(scores, { k: 5, rankMin: 1, rankMax: 3 })).toEqual([3, 2]);
  });

  test('ranks count what the guard allows', () => {
    const exclusion = { ...nothing, isGuarded: (candidate: number) => candidate === 1 };
    expect(chosen(scores, { k: 1, rankMin: 1 }, exclusion)).toEqual([2]);
  });

  test('score limits include their ends', () => {
    expect(chosen(scores, { k: 5, minScore: 0.3, maxScore: 0.7 })).toEqual([3, 2, 4]);
  });

  test('margins are measured from the true pair, their ends included', () => {
    expect(chosen(scores, { k: 5, absoluteMargin: 0.25 }, nothing, 0.75)).toEqual([2, 4, 0]);
    expect(chosen(scores, { k: 5, relativeMargin: 0.5 }, nothing, 1)).toEqual([2, 4, 0]);
    expect(chosen(scores, { k: 5, absoluteMargin: 0 }, nothing, 0.7)).toEqual([3, 2, 4, 0]);
  });

  test('a relative margin keeps negatives below a negative positive score', () => {
    expect(chosen([-0.49, -0.5, -0.6, -0.8], { k: 4, relativeMargin: 0.05 }, nothing, -0.5)).toEqual([2, 3]);
  });

  test('the same image is chosen once', () => {
    const exclusion = { ...nothing, imageOf: (candidate: number) => candidate % 2 };
    const { chosen, skipped } = select(rowOf(scores), { ...plain, k: 5 }, exclusion, rng());
    expect(chosen.map(({ candidate }) => candidate)).toEqual([1, 2]);
    expect(skipped.duplicate).toBe(3);
  });

  test('what is used up is skipped after the other rules, and keeps its rank', () => {
    const exclusion = { ...nothing, isSpent: (candidate: number) => candidate !== 4 };
    const { chosen, skipped } = select(rowOf(scores), { ...plain, maxScore: 0.8 }, exclusion, rng());
    expect(chosen).toEqual([{ candidate: 4, score: 0.3, rank: 3 }]);
    expect(skipped).toMatchObject({ maxScore: 1, maxUses: 3 });
  });

  test('scores are missing where a rule needs them: the caller is wrong', () => {
    const row = { candidates: [1, 2], scores: undefined, positive: undefined };
    expect(select(row, plain, nothing, rng()).chosen).toEqual([
      { candidate: 1, score: undefined, rank: 0 },
      { candidate: 2, score: undefined, rank: 1 },
    ]);
    expect(() => select(row, { ...plain, maxScore: 0.5 }, nothing, rng())).toThrow(RangeError);
    expect(() => select(row, { ...plain, absoluteMargin: 0.5 }, nothing, rng())).toThrow(RangeError);
  });

  test('random sampling gives each candidate the same chance', () => {
    const counts = new Array(10).fill(0);
    const row = rowOf(counts.map((_, i) => i / 10));
    for (let seed = 0; seed < 2000; seed++) {
      const { chosen } = select(row, { ...plain, k: 3, sampling: 'random' }, nothing, Rng.derive(seed, 'test'));
      for (const { candidate } of chosen) counts[candidate]++;
    }
    for (const count of counts) expect(Math.abs(count - 600)).toBeLessThan(90); // σ = 20
  });
});

const score = fc.double({ min: 0, max: 1, noNaN: true });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const rules = fc.record({
  k: fc.integer({ min: 1, max: 6 }),
  rankMin: fc.integer({ min: 0, max: 5 }),
  rankMax: fc.oneof(fc.integer({ min: 6, max: 40 }), fc.constant(Infinity)),
  sampling: fc.constantFrom('top', 'random'),
  minScore: optional(score),
  maxScore: optional(score),
  absoluteMargin: optional(score),
  relativeMargin: optional(score),
}) as fc.Arbitrary<SelectionRules>;

/** Patches on a line: those within one step of each other are neighbours; some are the same image. */
const records = (count: number, images: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: `${i}`, sar: `${i % images}.tif`, optical: `optical/${i}.tif`, group: 'place' },
    ...{ label: 1 as const, provenance: 'real' as const },
  }));
const neighbours = (i: number, j: number) => Math.abs(i - j) <= 1;
const guard = guardWhere(neighbours);
/** Of an image; every third record has been used once, so images of several records may be used up. */
const MAX_USES = 2;
const task = fc.record({
  scores: fc.array(score, { minLength: 1, maxLength: 40 }),
  positive: score,
  images: fc.integer({ min: 3, max: 60 }),
  seed: fc.integer(),
  rules,
});

function run(
  { scores, positive, images, seed, rules }: typeof task extends fc.Arbitrary<infer T> ? T : never,
  order?: number[],
) {
  const all = records(scores.length + 2, images);
  const excluded = exclusions(all, guardWhere(neighbours, all.length), MAX_USES);
  for (let candidate = 0; candidate < all.length; candidate += 3) excluded.use(candidate);
  const exclusion = excluded.for(0);
  const candidates = order ?? scores.map((_, i) => i);
  const row = rowOf(
    candidates.map((candidate) => scores[candidate]!),
    positive,
    candidates,
  );
  return { all, exclusion, selection: select(row, rules, exclusion, Rng.derive(seed, 'test')) };
}

describe('a selection', () => {
  test('accounts for every candidate once', () => {
    fc.assert(
      fc.property(task, (given) => {
        const { chosen, skipped, surplus } = run(given).selection;
        const counted = RULES.reduce((sum, rule) => sum + skipped[rule], chosen.length + surplus);
        expect(counted).toBe(given.scores.length);
        expect(chosen.length).toBeLessThanOrEqual(given.rules.k);
        if (surplus > 0) expect(chosen.length).toBe(given.rules.k);
      }),
    );
  });

  test('never holds a guarded place, an image twice or used up, or a score outside of the rules', () => {
    fc.assert(
      fc.property(task, (given) => {
        const { all, exclusion, selection } = run(given);
        const { rules, positive, scores } = given;
        const near = new Set([...guard.conflictsOf(0)].map((record) => all[record]?.sar));
        const images = selection.chosen.map(({ candidate }) => all[candidate]!.sar);
        expect(images.some((image) => near.has(image))).toBe(false);
        expect(new Set(images).size).toBe(images.length);
        for (const { candidate, score, rank } of selection.chosen) {
          expect(exclusion.isSpent(candidate)).toBe(false);
          expect(score).toBe(scores[candidate]);
          expect(rank).toBeGreaterThanOrEqual(rules.rankMin);
          expect(rank).toBeLessThan(rules.rankMax);
          expect(score).toBeGreaterThanOrEqual(rules.minScore ?? 0);
          expect(score).toBeLessThanOrEqual(rules.maxScore ?? 1);
          expect(score).toBeLessThanOrEqual(positive - (rules.absoluteMargin ?? -1));
          expect(score).toBeLessThanOrEqual(
            rules.relativeMargin === undefined ? 1 : positive * (1 - rules.relativeMargin) + 1e-12,
          );
        }
      }),
    );
  });

  test('does not depend on the order in which candidates arrive', () => {
    const shuffled = task.chain((given) =>
      fc
        .shuffledSubarray(
          given.scores.map((_, i) => i),
          { minLength: given.scores.length },
        )
        .map((order) => ({ given, order })),
    );
    fc.assert(
      fc.property(shuffled, ({ given, order }) => {
        expect(run(given, order).selection).toEqual(run(given).selection);
      }),
    );
  });

  test('is the same for the same seed, and takes the hardest that pass when it takes the top', () => {
    fc.assert(
      fc.property(task, (given) => {
        const { selection } = run(given);
        expect(run(given).selection).toEqual(selection);
        const all = run({ ...given, rules: { ...given.rules, k: 100 } }).selection.chosen;
        if (given.rules.sampling === 'top') expect(selection.chosen).toEqual(all.slice(0, given.rules.k));
        expect(all.map(({ rank }) => rank)).toEqual(all.map(({ rank }) => rank).toSorted((a, b) => a - b));
      }),
    );
  });

  test('needs scores only where a rule of scores is in force', () => {
    expect(needsScores(plain)).toBe(false);
    expect(needsScores({ ...plain, relativeMargin: 0 })).toBe(true);
  });
});

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
