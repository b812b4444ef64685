/**
 * Metrics of a matcher. Each is defined once, on a `Sweep` or on weighted pairs, and serves the
 * point estimate (every pair counts once) as well as each bootstrap resample (a pair counts as often as its place was
 * drawn). `docs/evaluation.md` gives the same definitions for readers.
 */
import { SplitError } from '../errors.ts';
import { type Ranking, rank, type Sweep, scoreOfRun, sweep } from './ranking.ts';

/** A pair is called a match when its score is at least the threshold. */
export interface Confusion {
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
}

/** Point of one threshold on the ROC and precision-recall curves. */
export interface CurvePoint {
  /** Pairs whose score is at least this are accepted; `+Infinity` for the point where nothing is. */
  threshold: number;
  /** Recall, the true positive rate. */
  recall: number;
  /** False positive rate. */
  fpr: number;
  /** 1 where nothing is accepted. */
  precision: number;
}

/**
 * Area under the ROC curve: the probability that a positive pair scores higher than a negative one, ties counting half
 * (Mann and Whitney, 1947). In [0, 1]; 0.5 is chance.
 *
 * @throws SplitError where a class is missing. @throws NonFiniteError where a score is not finite.
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  return rocAucOf(sweepBothClasses(scores, labels));
}

/**
 * Average precision: Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct scores from the highest down, without interpolation; equal
 * scores enter together, so that their order in the file does not matter. Chance is the share of positives.
 *
 * @throws SplitError where a class is missing. @throws NonFiniteError where a score is not finite.
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  return averagePrecisionOf(sweepBothClasses(scores, labels));
}

/** Counts true and false positives and negatives at a threshold. */
export function confusionAt(scores: ArrayLike<number>, labels: ArrayLike<number>, threshold: number): Confusion {
  const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  for (let i = 0; i < scores.length; i++) {
    const accepted = scores[i]! >= threshold;
    if (labels[i] === 1) counts[accepted ? 'truePositives' : 'falseNegatives']++;
    else counts[accepted ? 'falsePositives' : 'trueNegatives']++;
  }
  return counts;
}

/** Share of the pairs that are classified correctly. */
export function accuracyOf({ truePositives, falsePositives, trueNegatives, falseNegatives }: Confusion): number {
  return (truePositives + trueNegatives) / (truePositives + falsePositives + trueNegatives + falseNegatives);
}

/** Share of the accepted pairs that are positive; NaN where nothing is accepted. */
export function precisionOf({ truePositives, falsePositives }: Confusion): number {
  return truePositives / (truePositives + falsePositives);
}

/** Share of the positives that are accepted; NaN where there are none. */
export function recallOf({ truePositives, falseNegatives }: Confusion): number {
  return truePositives / (truePositives + falseNegatives);
}

/** Share of the negatives that are accepted, the false positive rate; NaN where there are none. */
export function fprOf({ falsePositives, trueNegatives }: Confusion): number {
  return falsePositives / (falsePositives + trueNegatives);
}

/**
 * `rocAuc` of counts: trapezoids between the distinct scores, which is what makes ties count half. NaN for one class.
 */
export function rocAucOf({ truePositives, falsePositives }: Sweep): number {
  let [area, lastTrue, lastFalse] = [0, 0, 0];
  for (let run = 0; run < truePositives.length; run++) {
    const [t, f] = [truePositives[run]!, falsePositives[run]!];
    area += (f - lastFalse) * (t + lastTrue) * 0.5;
    [lastTrue, lastFalse] = [t, f];
  }
  return area / (lastTrue * lastFalse);
}

/** `averagePrecision` of counts. NaN where there are no positives. */
export function averagePrecisionOf({ truePositives, falsePositives }: Sweep): number {
  let [sum, lastTrue] = [0, 0];
  for (let run = 0; run < truePositives.length; run++) {
    const t = truePositives[run]!;
    if (t > lastTrue) sum += ((t - lastTrue) * t) / (t + falsePositives[run]!);
    lastTrue = t;
  }
  return sum / lastTrue;
}

/** `fprAtRecall` of counts. NaN where a class is missing. */
export function fprAtRecallOf({ truePositives, falsePositives }: Sweep, recall: number): number {
  const positives = truePositives.at(-1)!;
  const negatives = falsePositives.at(-1)!;
  if (positives === 0) return Number.NaN;
  const needed = recall * positives - 1e-9 * positives; // 0.95 · 20 must not become 19.000000000000004
  return falsePositives[truePositives.findIndex((t) => t >= needed)]! / negatives;
}

/** The confusion matrix of counts when the first `runs` distinct scores are accepted (see `runsAccepted`). */
export function confusionOf({ truePositives, falsePositives }: Sweep, runs: number): Confusion {
  const accepted = runs === 0 ? [0, 0] : [truePositives[runs - 1]!, falsePositives[runs - 1]!];
  const [t, f] = accepted as [number, number];
  return {
    truePositives: t,
    falsePositives: f,
    trueNegatives: falsePositives.at(-1)! - f,
    falseNegatives: truePositives.at(-1)! - t,
  };
}

/** Every corner of the ROC and precision-recall curves, from the point where nothing is accepted to all. */
export function curve(ranking: Ranking): CurvePoint[] {
  const { truePositives, falsePositives } = sweep(ranking);
  const positives = truePositives.at(-1)!;
  const negatives = falsePositives.at(-1)!;
  const points: CurvePoint[] = [{ threshold: Number.POSITIVE_INFINITY, recall: 0, fpr: 0, precision: 1 }];
  for (let run = 0; run < truePositives.length; run++) {
    const [t, f] = [truePositives[run]!, falsePositives[run]!];
    const threshold = scoreOfRun(ranking, run);
    points.push({ threshold, recall: t / positives, fpr: f / negatives, precision: t / (t + f) });
  }
  return points;
}

/**
 * Mean squared distance of the probability to the label (Brier, 1950). Weighted mean; 0 is perfect, 0.25 is
 * uninformative.
 */
export function brierScore(probabilities: ArrayLike<number>, labels: ArrayLike<number>, weights?: ArrayLike<number>) {
  return weightedMean(probabilities.length, weights, (i) => (probabilities[i]! - labels[i]!) ** 2);
}

/** Distance of clipped probabilities from 0 and 1, so that one confident error does not make the log loss infinite. */
const LOG_LOSS_FLOOR = 1e-15;

/** Mean of −log(probability given to the true class), in nats; 0.693 is uninformative at equal classes. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>, weights?: ArrayLike<number>) {
  return weightedMean(probabilities.length, weights, (i) => {
    const given = labels[i] === 1 ? probabilities[i]! : 1 - probabilities[i]!;
    return -Math.log(Math.max(given, LOG_LOSS_FLOOR));
  });
}

/** Σ wᵢ·value(i) / Σ wᵢ; NaN where the weights sum to 0. */
export function weightedMean(
  length: number,
  weights: ArrayLike<number> | undefined,
  value: (i: number) => number,
): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < length; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    if (weight === 0) continue;
    sum += weight * value(i);
    total += weight;
  }
  return sum / total;
}

/** Ranks and counts pairs of both classes. */
function sweepBothClasses(scores: ArrayLike<number>, labels: ArrayLike<number>): Sweep {
  const ranking = rank(scores, labels);
  refuseOneClass(labels, 'measure scores');
  return sweep(ranking);
}

/** @throws SplitError where all labels are the same. */
export function refuseOneClass(labels: ArrayLike<number>, action: string): void {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  if (positives > 0 && positives < labels.length) return;
  throw new SplitError({
    action,
    expected: 'positive and negative pairs',
    found: `${positives} positive and ${labels.length - positives} negative`,
    remedy: 'Choose another split, or split the data set again by `doppel data split`.',
  });
}
