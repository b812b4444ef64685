/**
 * Evaluation of matchers: test pairs by place, metrics with bootstrap intervals, calibration, searches.
 *
 * @module
 * @example
 * ```ts
 * import { rocAuc } from '@doppel/core/evaluation';
 *
 * console.log(rocAuc([2.1, 0.3, 1.2, -0.7], [1, 0, 0, 1])); // 0.5
 * ```
 */
export { BOOTSTRAP_DEFAULTS, type Interval } from './bootstrap.ts';
export {
  calibrateOn,
  EVALUATION_DEFAULTS,
  type Evaluation,
  type EvaluationTask,
  evaluatePairs,
  type ScoredPair,
  type ScoringTask,
  SEARCH_DEFAULTS,
} from './evaluate.ts';
export { hardestOf } from './hardest.ts';
export { type ProbeSample, probeAuc } from './linear_probe.ts';
export {
  accuracyOf,
  averagePrecisionOf,
  type Confusion,
  type CurvePoint,
  confusionOf,
  curve,
  fprAtRecallOf,
  fprOf,
  recallOf,
  rocAuc,
  rocAucOf,
} from './metrics.ts';
export type { OperatingPoint } from './operating_points.ts';
export { evaluationJson, scoresCsv } from './outputs.ts';
export { measurePlaces } from './places.ts';
export { emptySweep, type Ranking, rank, runsAccepted, type Sweep, scoreOfRun, sweep } from './ranking.ts';
export { RELIABILITY_BINS, type ReliabilityBin } from './reliability.ts';
export type { MetricName } from './summary.ts';
export { drawTestPairs } from './test_pairs.ts';
