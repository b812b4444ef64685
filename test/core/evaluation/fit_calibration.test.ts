import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { calibrate, chooseThreshold, fitTemperature } from '../../../packages/core/src/evaluation/fit_calibration.ts';
import { accuracyOf, confusionAt, fprOf, logLoss, recallOf } from '../../../packages/core/src/evaluation/metrics.ts';
import { expectedCalibrationError, reliability } from '../../../packages/core/src/evaluation/reliability.ts';
import { probabilityOf, sigmoid } from '../../../packages/core/src/matcher/calibration.ts';

/** Scores that are `temperature` times too large for their true log odds. */
function overconfident(count: number, temperature: number) {
  const rng = Rng.derive(7, 'overconfident');
  const logits = Array.from({ length: count }, () => 1.5 * rng.normal());
  return {
    scores: logits.map((logit) => logit * temperature),
    labels: logits.map((logit) => (rng.float() < sigmoid(logit) ? 1 : 0)),
  };
}

describe('the temperature', () => {
  test.each([0.3, 1, 4])('finds that the scores are %f times too large', (temperature) => {
    const { scores, labels } = overconfident(20_000, temperature);
    expect(fitTemperature(scores, labels) / temperature).toBeCloseTo(1, 1);
  });

  test('gives a lower log loss than its neighbours', () => {
    const { scores, labels } = overconfident(2_000, 3);
    const best = fitTemperature(scores, labels);
    const loss = (temperature: number) =>
      logLoss(
        scores.map((score) => sigmoid(score / temperature)),
        labels,
      );
    expect(loss(best)).toBeLessThan(loss(best * 1.1));
    expect(loss(best)).toBeLessThan(loss(best / 1.1));
    expect(loss(best)).toBeLessThan(loss(1));
  });

  test('lowers the calibration error of overconfident scores', () => {
    const { scores, labels } = overconfident(5_000, 5);
    const ece = (temperature: number) =>
      expectedCalibrationError(
        reliability(
          scores.map((score) => sigmoid(score / temperature)),
          labels,
        ),
      );
    expect(ece(fitTemperature(scores, labels))).toBeLessThan(0.03);
    expect(ece(1)).toBeGreaterThan(0.1);
  });

  test('scales with the scores', () => {
    const { scores, labels } = overconfident(500, 1);
    const doubled = fitTemperature(
      scores.map((score) => 2 * score),
      labels,
    );
    expect(doubled / fitTemperature(scores, labels)).toBeCloseTo(2, 6);
  });

  test('stays finite and keeps the order where the classes part', () => {
    const [scores, labels] = [
      [-3, -2, -1, 1, 2, 3],
      [0, 0, 0, 1, 1, 1],
    ];
    const temperature = fitTemperature(scores, labels);
    expect(temperature).toBeGreaterThan(0.05);
    expect(temperature).toBeLessThan(10);
    const probabilities = scores.map((score) => probabilityOf(score, { temperature }));
    expect([...probabilities].sort((a, b) => a - b)).toEqual(probabilities);
  });

  test('says nothing for scores that are wrong more often than right', () => {
    expect(fitTemperature([-1, -2, 1, 2], [1, 1, 0, 0])).toBeCloseTo(100, 0);
  });

  test('refuses one class', () => {
    expect(() => fitTemperature([1, 2], [0, 0])).toThrow(SplitError);
  });
});

const scored = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, 1)), { minLength: 2, maxLength: 40 })
  .filter((pairs) => new Set(pairs.map(([, label]) => label)).size === 2)
  .map((pairs) => [pairs.map(([score]) => score), pairs.map(([, label]) => label)] as const);

/** Every threshold that could matter. */
const candidates = (scores: readonly number[]) => [...scores, Math.max(...scores) + 1];

describe('the threshold', () => {
  test('for accuracy is as good as any that accepts something', () => {
    fc.assert(
      fc.property(scored, ([scores, labels]) => {
        const accuracy = (threshold: number) => accuracyOf(confusionAt(scores, labels, threshold));
        const best = Math.max(...scores.map(accuracy));
        expect(accuracy(chooseThreshold(scores, labels, 'accuracy'))).toBeCloseTo(best, 12);
      }),
    );
  });

  test('for F1 is as good as any', () => {
    fc.assert(
      fc.property(scored, ([scores, labels]) => {
        const f1 = (threshold: number) => {
          const { truePositives: t, falsePositives, falseNegatives } = confusionAt(scores, labels, threshold);
          return (2 * t) / (2 * t + falsePositives + falseNegatives);
        };
        const best = Math.max(...candidates(scores).map(f1));
        expect(f1(chooseThreshold(scores, labels, 'f1'))).toBeCloseTo(best, 12);
      }),
    );
  });

  test('for an FPR keeps it, with the highest recall', () => {
    fc.assert(
      fc.property(scored, fc.constantFrom(0, 0.05, 0.2, 0.5), ([scores, labels], fpr) => {
        const within = scores.map((t) => confusionAt(scores, labels, t)).filter((c) => fprOf(c) <= fpr + 1e-12);
        if (within.length === 0) {
          expect(() => chooseThreshold(scores, labels, { fpr })).toThrow(SplitError);
          return;
        }
        const chosen = confusionAt(scores, labels, chooseThreshold(scores, labels, { fpr }));
        expect(fprOf(chosen)).toBeLessThanOrEqual(fpr + 1e-12);
        expect(recallOf(chosen)).toBeCloseTo(Math.max(...within.map(recallOf)), 12);
      }),
    );
  });

  test('by a logistic regression is where its odds are even, in the unit of the scores', () => {
    const rng = Rng.derive(3, 'even odds');
    const scores = Array.from({ length: 20_000 }, () => 2 * rng.normal());
    const labels = scores.map((score) => (rng.float() < sigmoid(1.7 * (score - 0.9)) ? 1 : 0));
    const threshold = chooseThreshold(scores, labels, 'logistic');
    expect(threshold).toBeCloseTo(0.9, 1);
    const moved = scores.map((score) => 5 * score - 40);
    expect(chooseThreshold(moved, labels, 'logistic')).toBeCloseTo(5 * threshold - 40, 6);
  });

  test('by a logistic regression lies between classes that part, however far', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        (gap, at) => {
          const [below, above] = [
            [at - 2 * gap, at - gap],
            [at + gap, at + 2 * gap],
          ];
          const threshold = chooseThreshold([...below, ...above], [0, 0, 1, 1], 'logistic');
          expect(threshold).toBeGreaterThan(below[1]!);
          expect(threshold).toBeLessThan(above[0]!);
        },
      ),
    );
  });

  test('by a logistic regression varies less from sample to sample than that of the highest accuracy', () => {
    const rng = Rng.derive(5, 'samples');
    const thresholds = Array.from({ length: 200 }, () => {
      const labels = Array.from({ length: 100 }, (_, i) => i % 2);
      const scores = labels.map((label) => 2 * label - 1 + rng.normal());
      return [chooseThreshold(scores, labels, 'logistic'), chooseThreshold(scores, labels, 'accuracy')] as const;
    });
    const spread = (of: 0 | 1) =>
      Math.sqrt(thresholds.reduce((sum, each) => sum + each[of] ** 2, 0) / thresholds.length);
    expect(spread(0)).toBeLessThan(0.6 * spread(1));
  });

  test('is that of the highest accuracy where scores are wrong more often than right, or all alike', () => {
    const [scores, labels] = [
      [-1, -2, 1, 2],
      [1, 1, 0, 0],
    ];
    expect(chooseThreshold(scores, labels, 'logistic')).toBe(chooseThreshold(scores, labels, 'accuracy'));
    expect(chooseThreshold([3, 3, 3], [0, 1, 1], 'logistic')).toBe(3);
  });

  test('lies midway between the scores that it parts', () => {
    expect(chooseThreshold([4, 3, 1, 0], [1, 1, 0, 0], 'accuracy')).toBe(2);
    expect(chooseThreshold([4, 3, 1, 0], [1, 1, 0, 0], { fpr: 0 })).toBe(3);
  });

  test('calls the same pairs on probabilities as on scores', () => {
    fc.assert(
      fc.property(scored, ([scores, labels]) => {
        const calibration = calibrate(scores, labels);
        expect(calibration.threshold).toBeGreaterThan(0);
        expect(calibration.threshold).toBeLessThan(1);
        const threshold = chooseThreshold(scores, labels, 'logistic');
        fc.pre(scores.every((score) => Math.abs(score - threshold) > 1e-9));
        const called = scores.map((score) => probabilityOf(score, calibration) >= calibration.threshold);
        // A temperature at its lower bound saturates the probabilities; the order is then lost, not the bound.
        if (calibration.temperature > 0.2) expect(called).toEqual(scores.map((score) => score >= threshold));
      }),
    );
  });
});

describe('reliability', () => {
  test('counts every pair once, 0 and 1 included', () => {
    const bins = reliability([0, 0.05, 0.5, 0.999, 1], [0, 0, 1, 1, 1], { bins: 10 });
    expect(bins.map((bin) => bin.count)).toEqual([2, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect(bins[9]).toMatchObject({ observed: 1, predicted: 0.9995 });
    expect(bins[1]!.observed).toBeNaN();
  });

  test('an error of a fixed size comes out as that size', () => {
    const probabilities = Array.from({ length: 100 }, () => 0.7);
    const labels = Array.from({ length: 100 }, (_, i) => (i < 50 ? 1 : 0));
    expect(expectedCalibrationError(reliability(probabilities, labels))).toBeCloseTo(0.2, 12);
  });
});
