/**
 * Calibrates a matcher: a temperature and a threshold for "match" are fitted on the validation split. A difference of
 * logits ranks well and is overconfident as a probability; with the temperature, pairs scored 80 % match four times in
 * five. Neither ever sees the test split.
 *
 * The probabilities hold for the share of positives that they were fitted at (one in two, as negatives are drawn 1:1).
 */
import { SplitError } from '../errors.ts';
import { type Calibration, sigmoid } from '../matcher/calibration.ts';
import { evenOdds, targetsOf } from './logistic_regression.ts';
import { refuseOneClass, weightedMean } from './metrics.ts';
import { type Ranking, rank, scoreOfRun, sweep } from './ranking.ts';

/**
 * Criterion of a threshold: even odds by a logistic regression, highest accuracy, best F1, or highest recall with a false
 * positive rate of at most `fpr` (in [0, 1)).
 */
export type ThresholdRule = 'logistic' | 'accuracy' | 'f1' | { readonly fpr: number };

/** Range of temperatures; beyond it the scores carry no usable confidence, or are not logits. */
const TEMPERATURES = { min: 0.01, max: 100 } as const;

/** Temperature and threshold together, both fitted on the same (validation) pairs. */
export function calibrate(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  rule: ThresholdRule = 'logistic',
): Calibration {
  const temperature = fitTemperature(scores, labels);
  const probability = sigmoid(chooseThreshold(scores, labels, rule) / temperature);
  // A score beyond ±37 temperatures saturates; the threshold stays inside (0, 1), distinct from "all" and "none".
  return { temperature, threshold: Math.min(Math.max(probability, 1e-12), 1 - 1e-12) };
}

/**
 * The temperature T in [0.01, 100] with the least negative log likelihood of sigmoid(score / T) (Guo et al., On
 * Calibration of Modern Neural Networks, 2017). In 1/T the likelihood is concave, so its slope has one root, found by
 * bisection. Targets are Platt's.
 *
 * @throws SplitError if a class is missing. @throws NonFiniteError if a score is not finite.
 */
export function fitTemperature(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  rank(scores, labels); // refuses scores that are not finite
  refuseOneClass(labels, 'fit a temperature');
  const targets = targetsOf(labels);
  const slope = (inverse: number) =>
    weightedMean(
      scores.length,
      undefined,
      (i) => scores[i]! * (sigmoid(scores[i]! * inverse) - targets[labels[i] as 0 | 1]),
    );
  let [low, high] = [1 / TEMPERATURES.max, 1 / TEMPERATURES.min];
  for (let step = 0; step < 60; step++) {
    const middle = Math.sqrt(low * high); // halves log T
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return 1 / Math.sqrt(low * high);
}

/**
 * The threshold (in the unit of the scores) that a rule asks for; pairs whose score is at least it are matches.
 *
 * - `logistic`: where a logistic regression of the labels on the scores gives one half. All pairs in doubt have a say, so
 *   that it varies less with the places than the place of the highest accuracy, one peak among many. `accuracy` where
 *   higher scores do not speak for a match.
 * - `accuracy` and `f1`: midway between two neighbouring scores, of equally good ones at the highest.
 * - an FPR: the lowest score that keeps within the rate; nothing is guaranteed between the last accepted score and the
 *   next.
 *
 * @throws SplitError if a class is missing, or no threshold keeps the false positive rate.
 */
export function chooseThreshold(scores: ArrayLike<number>, labels: ArrayLike<number>, rule: ThresholdRule): number {
  const ranking = rank(scores, labels);
  refuseOneClass(labels, 'choose a threshold');
  if (rule === 'logistic') return evenOdds(scores, labels) ?? chooseThreshold(scores, labels, 'accuracy');
  const { truePositives, falsePositives } = sweep(ranking);
  const [positives, negatives] = [truePositives.at(-1)!, falsePositives.at(-1)!];
  const value = (run: number): number => {
    const [t, f] = [truePositives[run]!, falsePositives[run]!];
    if (rule === 'accuracy') return t - f;
    if (rule === 'f1') return (2 * t) / (t + f + positives);
    return f <= rule.fpr * negatives + 1e-9 ? t : -1;
  };
  let best = 0;
  for (let run = 1; run < truePositives.length; run++) if (value(run) > value(best)) best = run;
  if (typeof rule === 'string') return midway(ranking, best);
  if (value(best) < 0) {
    throw new SplitError({
      action: `choose a threshold with a false positive rate of at most ${rule.fpr}`,
      expected: 'a positive pair with the highest score',
      found: `a negative one, of ${negatives}`,
      remedy: 'Allow a higher rate, or take a larger validation split.',
    });
  }
  return scoreOfRun(ranking, best);
}

/** Midpoint of a score and the next lower one; the lowest score itself where none is lower. */
function midway(ranking: Ranking, run: number): number {
  const score = scoreOfRun(ranking, run);
  if (run + 1 >= ranking.ends.length) return score;
  const next = scoreOfRun(ranking, run + 1);
  const middle = score / 2 + next / 2;
  return middle > next ? middle : score; // they may be neighbours even as numbers
}
