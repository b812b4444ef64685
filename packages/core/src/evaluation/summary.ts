/**
 * All metrics of one sample of scored pairs, with intervals. `summarise` is what `metrics.json` and the report print.
 */

import type { Calibration } from '../matcher/calibration.ts';
import { type Bootstrap, type BootstrapOptions, bootstrap, type Interval } from './bootstrap.ts';
import {
  accuracyOf,
  averagePrecisionOf,
  brierScore,
  type Confusion,
  confusionOf,
  fprAtRecallOf,
  fprOf,
  logLoss,
  precisionOf,
  recallOf,
  refuseOneClass,
  rocAucOf,
  weightedMean,
} from './metrics.ts';
import { type OperatingPoint, operatingPointAt, recallAtFprOf, TARGET_FPRS } from './operating_points.ts';
import { emptySweep, type Ranking, rank, runsAccepted, sweep } from './ranking.ts';
import { expectedCalibrationError, type ReliabilityBin, reliability } from './reliability.ts';
import { foundWithin, RECALL_AT, type Search } from './retrieval.ts';

/** Facts of a pair that metrics are computed from. */
export interface MeasuredPair {
  /** Place of the pair: that of its optical patch, the anchor. */
  group: string;
  label: 0 | 1;
  /** logit₁ − logit₀ */
  score: number;
  /** Calibrated probability of a match, in (0, 1). */
  probability: number;
}

export const METRIC_NAMES = [
  'accuracy',
  'precision',
  'recall',
  'fpr',
  'auc',
  'averagePrecision',
  'fpr95',
  'recallAtFpr0.001',
  'recallAtFpr0.01',
  'recallAtFpr0.05',
  'ece',
  'brier',
  'logLoss',
  'recallAt1',
  'recallAt5',
  'recallAt10',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];
/** NaN where a metric is undefined: precision without accepted pairs, recall@k without a search. */
export type Metrics = Record<MetricName, number>;

export interface Summary {
  pairs: number;
  positives: number;
  negatives: number;
  places: number;
  /** The calibrated probability from which a pair is called a match. */
  threshold: number;
  metrics: Metrics;
  confusion: Confusion;
  bootstrap: Bootstrap<MetricName>;
  operatingPoints: OperatingPoint[];
  reliability: ReliabilityBin[];
  ranking: Ranking;
}

/** Pairs prepared for repeated measurement with different weights. */
interface Sample {
  ranking: Ranking;
  probabilities: Float64Array;
  labels: Uint8Array;
  /** Number of the highest runs of the ranking that are called matches. */
  accepted: number;
  /** Success of each search within k (0 or 1), for each k of `RECALL_AT`: [searches]. */
  found: Float64Array[];
}

/**
 * Measures scored pairs.
 *
 * @param searches for recall@k; may be empty. Their groups must be among those of the pairs.
 * @throws SplitError where a class is missing. @throws NonFiniteError where a score is not finite.
 */
export function summarise(
  pairs: readonly MeasuredPair[],
  { threshold }: Pick<Calibration, 'threshold'>,
  searches: readonly Search[] = [],
  options: BootstrapOptions = {},
): Summary {
  const sample = prepare(pairs, threshold, searches);
  refuseOneClass(sample.labels, 'evaluate a split');
  const places = numberPlaces(pairs);
  const counts = sweep(sample.ranking);
  const confusion = confusionOf(counts, sample.accepted);
  return {
    pairs: pairs.length,
    positives: confusion.truePositives + confusion.falseNegatives,
    negatives: confusion.falsePositives + confusion.trueNegatives,
    places: places.count,
    threshold,
    metrics: measure(sample),
    confusion,
    bootstrap: bootstrap(
      places.count,
      resampleBy(
        sample,
        places.ofPair,
        searches.map(({ group }) => places.ofGroup.get(group)!),
      ),
      options,
    ),
    operatingPoints: TARGET_FPRS.map((target) => operatingPointAt(target, sample.ranking, counts)),
    reliability: reliability(sample.probabilities, sample.labels),
    ranking: sample.ranking,
  };
}

/** The intervals in the form of the JSON interface; a metric without one is left out. */
export function intervalsOf(summary: Summary): Partial<Record<MetricName, Interval>> {
  const entries = Object.entries(summary.bootstrap.intervals).filter(([, interval]) => interval !== null);
  return Object.fromEntries(entries) as Partial<Record<MetricName, Interval>>;
}

function prepare(pairs: readonly MeasuredPair[], threshold: number, searches: readonly Search[]): Sample {
  const labels = Uint8Array.from(pairs, (pair) => pair.label);
  const ranking = rank(
    Float64Array.from(pairs, (pair) => pair.score),
    labels,
  );
  const probabilities = Float64Array.from(pairs, (pair) => pair.probability);
  const accepted = runsAccepted(ranking, threshold, probabilities);
  const found = RECALL_AT.map((k) => Float64Array.from(searches, ({ truth, others }) => foundWithin(k, truth, others)));
  return { ranking, probabilities, labels, accepted, found };
}

interface Weights {
  /** [pairs] */
  pairs: ArrayLike<number>;
  /** [searches] */
  searches: ArrayLike<number>;
}

function measure(sample: Sample, weights?: Weights, scratch = emptySweep(sample.ranking)): Metrics {
  const { ranking, probabilities, labels, accepted, found } = sample;
  const counts = sweep(ranking, weights?.pairs, scratch);
  const confusion = confusionOf(counts, accepted);
  const bins = reliability(probabilities, labels, weights && { weights: weights.pairs });
  const [recallAt1, recallAt5, recallAt10] = found.map((each) =>
    weightedMean(each.length, weights?.searches, (i) => each[i]!),
  ) as [number, number, number];
  return {
    accuracy: accuracyOf(confusion),
    precision: precisionOf(confusion),
    recall: recallOf(confusion),
    fpr: fprOf(confusion),
    auc: rocAucOf(counts),
    averagePrecision: averagePrecisionOf(counts),
    fpr95: fprAtRecallOf(counts, 0.95),
    'recallAtFpr0.001': recallAtFprOf(0.001, counts),
    'recallAtFpr0.01': recallAtFprOf(0.01, counts),
    'recallAtFpr0.05': recallAtFprOf(0.05, counts),
    ece: expectedCalibrationError(bins),
    brier: brierScore(probabilities, labels, weights?.pairs),
    logLoss: logLoss(probabilities, labels, weights?.pairs),
    recallAt1,
    recallAt5,
    recallAt10,
  };
}

/** Measures a resample of places; the arrays are filled again each time. */
function resampleBy(sample: Sample, placeOfPair: Uint32Array, placeOfSearch: readonly number[]) {
  const weights = { pairs: new Float64Array(placeOfPair.length), searches: new Float64Array(placeOfSearch.length) };
  const scratch = emptySweep(sample.ranking);
  return (timesDrawn: Uint32Array): Metrics => {
    placeOfPair.forEach((place, i) => {
      weights.pairs[i] = timesDrawn[place]!;
    });
    placeOfSearch.forEach((place, i) => {
      weights.searches[i] = timesDrawn[place]!;
    });
    return measure(sample, weights, scratch);
  };
}

function numberPlaces(pairs: readonly MeasuredPair[]) {
  const ofGroup = new Map<string, number>();
  const ofPair = Uint32Array.from(pairs, ({ group }) => {
    const place = ofGroup.get(group) ?? ofGroup.size;
    ofGroup.set(group, place);
    return place;
  });
  return { ofGroup, ofPair, count: ofGroup.size };
}
