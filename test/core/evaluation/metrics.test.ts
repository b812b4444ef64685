import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NonFiniteError, SplitError } from '../../../packages/core/src/errors.ts';
import {
  accuracyOf,
  averagePrecision,
  averagePrecisionOf,
  brierScore,
  confusionAt,
  confusionOf,
  curve,
  fprAtRecallOf,
  fprOf,
  logLoss,
  precisionOf,
  recallOf,
  rocAuc,
  rocAucOf,
} from '../../../packages/core/src/evaluation/metrics.ts';
import { rank, runsAccepted, sweep } from '../../../packages/core/src/evaluation/ranking.ts';

/** Scores on a coarse grid, so that ties are common, with both classes. */
const scored = fc
  .array(fc.record({ score: fc.integer({ min: -6, max: 6 }), label: fc.constantFrom(0 as const, 1 as const) }), {
    minLength: 2,
    maxLength: 60,
  })
  .filter((pairs) => pairs.some((pair) => pair.label === 1) && pairs.some((pair) => pair.label === 0))
  .map((pairs) => ({ scores: pairs.map((pair) => pair.score / 2), labels: pairs.map((pair) => pair.label) }));

const fprAt95 = (scores: number[], labels: number[]) => fprAtRecallOf(sweep(rank(scores, labels)), 0.95);

/** Pair counting, O(n²): the definition that the quick way must meet. */
function aucByCounting(scores: number[], labels: number[]): number {
  let [wins, pairs] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      wins += scores[i]! > scores[j]! ? 1 : scores[i]! === scores[j]! ? 0.5 : 0;
    }
  }
  return wins / pairs;
}

/** Average precision from its definition: one threshold at a time, each counted afresh. */
function averagePrecisionByCounting(scores: number[], labels: number[]): number {
  const thresholds = [...new Set(scores)].sort((a, b) => b - a);
  let [sum, last] = [0, 0];
  for (const threshold of thresholds) {
    const confusion = confusionAt(scores, labels, threshold);
    sum += (recallOf(confusion) - last) * precisionOf(confusion);
    last = recallOf(confusion);
  }
  return sum;
}

describe('ROC-AUC', () => {
  test('equals pair counting with half ties', () => {
    fc.assert(
      fc.property(scored, ({ scores, labels }) => {
        expect(rocAuc(scores, labels)).toBeCloseTo(aucByCounting(scores, labels), 12);
      }),
    );
  });

  test('does not change under a monotone transform of the scores', () => {
    fc.assert(
      fc.property(scored, ({ scores, labels }) => {
        const transformed = scores.map((score) => Math.exp(score) * 3 - 100);
        expect(rocAuc(transformed, labels)).toBeCloseTo(rocAuc(scores, labels), 12);
      }),
    );
  });

  test('turns around when the scores do: AUC(−s) = 1 − AUC(s)', () => {
    fc.assert(
      fc.property(scored, ({ scores, labels }) => {
        const turned = scores.map((score) => -score);
        expect(rocAuc(turned, labels)).toBeCloseTo(1 - rocAuc(scores, labels), 12);
      }),
    );
  });

  test('is 1 where the classes part, 0.5 where all scores are equal', () => {
    expect(rocAuc([3, 2, 1, 0], [1, 1, 0, 0])).toBe(1);
    expect(rocAuc([7, 7, 7, 7], [1, 0, 1, 0])).toBe(0.5);
  });

  test('refuses one class, no pairs and scores that are not finite', () => {
    expect(() => rocAuc([1, 2], [1, 1])).toThrow(SplitError);
    expect(() => rocAuc([], [])).toThrow(SplitError);
    expect(() => rocAuc([1, Number.NaN], [1, 0])).toThrow(NonFiniteError);
    expect(() => rocAuc([1, Number.POSITIVE_INFINITY], [1, 0])).toThrow(NonFiniteError);
  });
});

describe('average precision', () => {
  test('equals the definition, ties taken together', () => {
    fc.assert(
      fc.property(scored, ({ scores, labels }) => {
        expect(averagePrecision(scores, labels)).toBeCloseTo(averagePrecisionByCounting(scores, labels), 12);
      }),
    );
  });

  test("equals scikit-learn's on its documented example", () => {
    expect(averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(0.8333333, 6);
    expect(rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
  });

  test('does not depend on the order of the pairs', () => {
    expect(averagePrecision([1, 1, 1, 0], [1, 0, 0, 1])).toBe(averagePrecision([0, 1, 1, 1], [1, 0, 0, 1]));
  });
});

describe('rates at a threshold', () => {
  test('the confusion matrix of a sweep is that of counting at the same threshold', () => {
    fc.assert(
      fc.property(scored, fc.integer({ min: -14, max: 14 }), ({ scores, labels }, step) => {
        const ranking = rank(scores, labels);
        const threshold = step / 4;
        const counted = confusionOf(sweep(ranking), runsAccepted(ranking, threshold));
        expect(counted).toEqual(confusionAt(scores, labels, threshold));
      }),
    );
  });

  test('follow their definitions', () => {
    const confusion = { truePositives: 6, falsePositives: 2, trueNegatives: 8, falseNegatives: 4 };
    expect(accuracyOf(confusion)).toBe(0.7);
    expect(precisionOf(confusion)).toBe(0.75);
    expect(recallOf(confusion)).toBe(0.6);
    expect(fprOf(confusion)).toBe(0.2);
    expect(precisionOf({ truePositives: 0, falsePositives: 0, trueNegatives: 1, falseNegatives: 1 })).toBeNaN();
  });

  test('FPR at 95 % recall is the least FPR of the thresholds that reach it', () => {
    fc.assert(
      fc.property(scored, ({ scores, labels }) => {
        const reaching = scores
          .map((threshold) => confusionAt(scores, labels, threshold))
          .filter((confusion) => recallOf(confusion) >= 0.95 - 1e-12);
        expect(fprAt95(scores, labels)).toBeCloseTo(Math.min(...reaching.map(fprOf)), 12);
      }),
    );
  });

  test('FPR at 95 % recall asks for 19 of 20 positives, not for 20', () => {
    const scores = [...Array.from({ length: 19 }, (_, i) => 100 - i), 10, 50, 40];
    const labels = [...Array.from({ length: 20 }, () => 1), 0, 0];
    expect(fprAt95(scores, labels)).toBe(0);
  });
});

test('the curve runs from nothing accepted to all accepted, and never back', () => {
  fc.assert(
    fc.property(scored, ({ scores, labels }) => {
      const points = curve(rank(scores, labels));
      expect(points[0]).toMatchObject({ recall: 0, fpr: 0, precision: 1 });
      expect(points.at(-1)).toMatchObject({ recall: 1, fpr: 1 });
      for (let i = 1; i < points.length; i++) {
        expect(points[i]!.threshold).toBeLessThan(points[i - 1]!.threshold);
        expect(points[i]!.recall).toBeGreaterThanOrEqual(points[i - 1]!.recall);
        expect(points[i]!.fpr).toBeGreaterThanOrEqual(points[i - 1]!.fpr);
      }
    }),
  );
});

describe('weights', () => {
  test('a pair of weight n counts as n equal pairs', () => {
    const weighted = fc.tuple(scored, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 60, maxLength: 60 }));
    fc.assert(
      fc.property(weighted, ([{ scores, labels }, weights]) => {
        const repeat = <T>(items: T[]) => items.flatMap((item, i) => Array<T>(weights[i]!).fill(item));
        const [manyScores, manyLabels] = [repeat(scores), repeat<number>(labels)];
        const probabilities = scores.map((score) => 1 / (1 + Math.exp(-score)));
        fc.pre(manyLabels.includes(1) && manyLabels.includes(0));
        expect(brierScore(probabilities, labels, weights)).toBeCloseTo(
          brierScore(repeat(probabilities), manyLabels),
          12,
        );
        expect(logLoss(probabilities, labels, weights)).toBeCloseTo(logLoss(repeat(probabilities), manyLabels), 12);
        const counts = sweep(rank(scores, labels), weights);
        expect(rocAucOf(counts)).toBeCloseTo(rocAuc(manyScores, manyLabels), 12);
        expect(averagePrecisionOf(counts)).toBeCloseTo(averagePrecision(manyScores, manyLabels), 12);
        expect(fprAtRecallOf(counts, 0.95)).toBeCloseTo(fprAt95(manyScores, manyLabels), 12);
      }),
    );
  });
});

test('Brier score and log loss of a coin are 0.25 and log 2', () => {
  expect(brierScore([0.5, 0.5], [1, 0])).toBe(0.25);
  expect(logLoss([0.5, 0.5], [1, 0])).toBeCloseTo(Math.LN2, 12);
  expect(logLoss([0, 1], [1, 0])).toBeCloseTo(-Math.log(1e-15), 6);
});
