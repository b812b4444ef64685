import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { bootstrap } from '../../../packages/core/src/evaluation/bootstrap.ts';
import { operatingPointAt } from '../../../packages/core/src/evaluation/operating_points.ts';
import { rank, sweep } from '../../../packages/core/src/evaluation/ranking.ts';
import { foundWithin } from '../../../packages/core/src/evaluation/retrieval.ts';
import {
  intervalsOf,
  METRIC_NAMES,
  type MeasuredPair,
  summarise,
} from '../../../packages/core/src/evaluation/summary.ts';
import { sigmoid } from '../../../packages/core/src/matcher/calibration.ts';

/** Pairs of `places` places, each with an offset of its own, so that pairs of a place resemble each other. */
function sample(places: number, pairsEach: number, seed = 3): MeasuredPair[] {
  const rng = Rng.derive(seed, 'sample');
  return Array.from({ length: places }, (_, place) => {
    const offset = rng.normal();
    return Array.from({ length: pairsEach }, (_, i): MeasuredPair => {
      const label = (i % 2) as 0 | 1;
      const score = offset + rng.normal() + (label ? 1 : -1);
      return { group: `place ${place}`, label, score, probability: sigmoid(score) };
    });
  }).flat();
}

describe('intervals', () => {
  test('hold the point estimate, and narrow with more places', () => {
    const few = summarise(sample(8, 100), { threshold: 0.5 });
    const many = summarise(sample(80, 100), { threshold: 0.5 });
    for (const { metrics, bootstrap } of [few, many]) {
      for (const name of ['accuracy', 'precision', 'recall', 'fpr', 'auc', 'averagePrecision', 'brier'] as const) {
        const [low, high] = bootstrap.intervals[name]!;
        expect(low).toBeLessThanOrEqual(metrics[name]);
        expect(high).toBeGreaterThanOrEqual(metrics[name]);
      }
    }
    const width = ([low, high]: readonly [number, number]) => high - low;
    expect(width(many.bootstrap.intervals.accuracy!)).toBeLessThan(width(few.bootstrap.intervals.accuracy!));
  });

  test('are wider than those of independent pairs, as pairs of a place resemble each other', () => {
    const pairs = sample(20, 100);
    const apart = pairs.map((pair, i) => ({ ...pair, group: `${i}` }));
    const width = (of: MeasuredPair[]) => {
      const [low, high] = summarise(of, { threshold: 0.5 }, [], { resamples: 300 }).bootstrap.intervals.fpr!;
      return high - low;
    };
    expect(width(pairs)).toBeGreaterThan(2 * width(apart));
  });

  test('cover the truth about as often as they say', () => {
    // The mean of one normal number a place: 95 % intervals from 30 places should hold 0 in most of 100 trials.
    let held = 0;
    for (let trial = 0; trial < 100; trial++) {
      const rng = Rng.derive(trial, 'coverage');
      const values = Array.from({ length: 30 }, () => rng.normal());
      const mean = (drawn: Uint32Array) => ({
        mean: values.reduce((sum, value, i) => sum + value * drawn[i]!, 0) / 30,
      });
      const [low, high] = bootstrap(30, mean, { resamples: 400, seed: trial }).intervals.mean!;
      if (low <= 0 && high >= 0) held++;
    }
    expect(held).toBeGreaterThanOrEqual(87);
    expect(held).toBeLessThanOrEqual(99);
  });

  test('a seed repeats them, another changes them', () => {
    const pairs = sample(10, 20);
    const intervals = (seed: number) => intervalsOf(summarise(pairs, { threshold: 0.5 }, [], { seed, resamples: 50 }));
    expect(intervals(1)).toEqual(intervals(1));
    expect(intervals(1)).not.toEqual(intervals(2));
  });

  test('one place gives none, rather than one without width', () => {
    const { bootstrap } = summarise(sample(1, 40), { threshold: 0.5 });
    expect(bootstrap.intervals.auc).toBeNull();
  });

  test('leave out resamples where a class is missing', () => {
    const pairs: MeasuredPair[] = [
      { group: 'a', label: 1, score: 1, probability: 0.7 },
      { group: 'b', label: 0, score: 0, probability: 0.5 },
    ];
    const { bootstrap } = summarise(pairs, { threshold: 0.6 }, [], { resamples: 200 });
    // Half of the resamples draw one place twice; what is left is 1 throughout.
    expect([null, [1, 1]]).toContainEqual(bootstrap.intervals.auc);
    expect(bootstrap.intervals.accuracy).toEqual([1, 1]);
  });

  test('1,000 resamples of 10,000 pairs take seconds, not minutes', () => {
    const pairs = sample(20, 500);
    const start = performance.now();
    summarise(pairs, { threshold: 0.5 });
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe('a summary', () => {
  test('counts pairs and places, and names every metric', () => {
    const summary = summarise(sample(5, 30), { threshold: 0.5 }, [], { resamples: 20 });
    expect(summary).toMatchObject({ pairs: 150, positives: 75, negatives: 75, places: 5 });
    expect(Object.keys(summary.metrics).sort()).toEqual([...METRIC_NAMES].sort());
    expect(summary.metrics.recallAt1).toBeNaN();
    expect(intervalsOf(summary)).not.toHaveProperty('recallAt1');
  });

  test('takes its searches by place', () => {
    const searches = Array.from({ length: 6 }, (_, i) => ({
      group: `place ${i % 2}`,
      truth: i % 2,
      others: Float64Array.of(0.5, 0.25, -1),
    }));
    const { metrics, bootstrap } = summarise(sample(2, 20), { threshold: 0.5 }, searches, { resamples: 200 });
    expect(metrics).toMatchObject({ recallAt1: 0.5, recallAt5: 1, recallAt10: 1 });
    expect(bootstrap.intervals.recallAt1).toEqual([0, 1]);
  });

  test('refuses one class', () => {
    expect(() =>
      summarise(
        sample(2, 20).filter((pair) => pair.label === 1),
        { threshold: 0.5 },
      ),
    ).toThrow(SplitError);
  });
});

describe('operating points', () => {
  const negatives = Array.from({ length: 100 }, (_, i) => i / 100);
  const positives = Array.from({ length: 100 }, (_, i) => 0.505 + i / 100);
  const scores = [...negatives, ...positives];
  const labels = [...negatives.map(() => 0), ...positives.map(() => 1)];
  const ranking = rank(scores, labels);
  const at = (target: number) => operatingPointAt(target, ranking, sweep(ranking));

  test('never exceed the rate, and say how far the sample carries', () => {
    expect(at(0.05)).toMatchObject({ falsePositives: 5, fpr: 0.05, negatives: 100, resolution: 'coarse' });
    expect(at(0.05).recall).toBeCloseTo(0.56, 12);
    expect(at(0.001)).toMatchObject({ falsePositives: 0, resolution: 'none' });
    expect(at(0.5).resolution).toBe('fine');
  });

  test('have no threshold where the highest score is a negative one and none is allowed', () => {
    const topped = rank([3, 2, 1], [0, 1, 0]);
    expect(operatingPointAt(0.01, topped, sweep(topped))).toMatchObject({ threshold: null, recall: 0, fpr: 0 });
  });
});

describe('recall@k', () => {
  test('is the chance to be within k when ties are broken at random', () => {
    expect(foundWithin(1, 2, [1, 0, -1])).toBe(1);
    expect(foundWithin(1, 1, [2, 0, -1])).toBe(0);
    expect(foundWithin(2, 1, [2, 0, -1])).toBe(1);
    expect(foundWithin(1, 1, [1, 0, 0])).toBe(0.5);
    expect(foundWithin(5, 0, Array(99).fill(0))).toBeCloseTo(0.05, 12);
  });

  test('never falls with k, and is sure when k holds all', () => {
    const others = fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 20 });
    fc.assert(
      fc.property(others, fc.integer({ min: -3, max: 3 }), (scores, truth) => {
        const found = scores.concat(truth).map((_, i) => foundWithin(i + 1, truth, scores));
        for (let i = 1; i < found.length; i++) expect(found[i]).toBeGreaterThanOrEqual(found[i - 1]!);
        expect(found.at(-1)).toBe(1);
      }),
    );
  });
});
