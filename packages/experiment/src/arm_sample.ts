/**
 * The pairs of one test set as scored by one cell, ready to be measured many times under different weights of the places.
 *
 * Scores of two matchers are on different scales, so they are compared as margins: score / temperature − logit(threshold),
 * both fitted on the validation split. A pair is called a match where its margin is at least 0.
 */
import {
  accuracyOf,
  averagePrecisionOf,
  confusionOf,
  emptySweep,
  fprAtRecallOf,
  fprOf,
  type Ranking,
  rank,
  recallOf,
  rocAucOf,
  runsAccepted,
  type Sweep,
  sweep,
} from '@doppel/core/evaluation';

import type { Cell } from './cell.ts';

/** `fpr95`, `fpr80`: false positive rates at equal recall, the usual one and about that of a threshold of most right calls. */
export const EXPERIMENT_METRICS = ['accuracy', 'fpr', 'recall', 'fpr80', 'fpr95', 'auc', 'averagePrecision'] as const;
export type ExperimentMetric = (typeof EXPERIMENT_METRICS)[number];
export type ExperimentMetrics = Record<ExperimentMetric, number>;

/** True pairs first, then the set's negatives. */
export interface ArmSample {
  seed: number;
  margins: Float64Array;
  labels: Uint8Array;
  /** Place of each pair. */
  places: Uint32Array;
}

/** Scores of the test sets, as a cell holds them. */
export type ScoredSets = Pick<Cell, 'seed' | 'positives' | 'placeOf' | 'sets' | 'calibration'>;

export function sampleOf(cell: ScoredSets, set: string): ArmSample {
  const { of, scores } = cell.sets[set]!;
  const { temperature, threshold } = cell.calibration;
  const logit = Math.log(threshold / (1 - threshold));
  const positives = cell.positives.length;
  return {
    seed: cell.seed,
    margins: Float64Array.from([...cell.positives, ...scores], (score) => score / temperature - logit),
    labels: Uint8Array.from({ length: positives + scores.length }, (_, i) => (i < positives ? 1 : 0)),
    places: Uint32Array.from([...cell.placeOf, ...of.map((pair) => cell.placeOf[pair]!)]),
  };
}

/** Measures a sample when place p counts `timesDrawn[p]` times; NaN where a metric is undefined. */
export type Measure = (timesDrawn?: ArrayLike<number>) => ExperimentMetrics;

export function measurer({ margins, labels, places }: ArmSample): Measure {
  const ranking = rank(margins, labels);
  const weights = new Float64Array(labels.length);
  const scratch = emptySweep(ranking);
  const accepted = runsAccepted(ranking, 0);
  return (timesDrawn) => {
    if (timesDrawn)
      places.forEach((place, i) => {
        weights[i] = timesDrawn[place]!;
      });
    return metricsOf(sweep(ranking, timesDrawn && weights, scratch), accepted);
  };
}

export function metricsOf(counts: Sweep, accepted: number): ExperimentMetrics {
  const confusion = confusionOf(counts, accepted);
  return {
    accuracy: accuracyOf(confusion),
    fpr: fprOf(confusion),
    recall: recallOf(confusion),
    fpr80: fprAtRecallOf(counts, 0.8),
    fpr95: fprAtRecallOf(counts, 0.95),
    auc: rocAucOf(counts),
    averagePrecision: averagePrecisionOf(counts),
  };
}

/**
 * Measures two cells of the same pairs after their scores were exchanged in some places. Both are ranked together once;
 * which of them an entry belongs to is a weight.
 */
export function exchanger(
  a: ArmSample,
  b: ArmSample,
): (isExchanged: ArrayLike<number>) => [ExperimentMetrics, ExperimentMetrics] {
  const ranking: Ranking = rank(
    Float64Array.from([...a.margins, ...b.margins]),
    Uint8Array.from([...a.labels, ...b.labels]),
  );
  const weights = [new Float64Array(ranking.scores.length), new Float64Array(ranking.scores.length)] as const;
  const scratch = emptySweep(ranking);
  const accepted = runsAccepted(ranking, 0);
  const n = a.labels.length;
  return (isExchanged) => {
    for (let i = 0; i < n; i++) {
      const exchanged = isExchanged[a.places[i]!] ? 1 : 0;
      weights[0][i] = 1 - exchanged;
      weights[1][i] = exchanged;
    }
    for (let i = 0; i < b.labels.length; i++) {
      const exchanged = isExchanged[b.places[i]!] ? 1 : 0;
      weights[0][n + i] = exchanged;
      weights[1][n + i] = 1 - exchanged;
    }
    const measure = (own: Float64Array) => metricsOf(sweep(ranking, own, scratch), accepted);
    return [measure(weights[0]), measure(weights[1])];
  };
}
