/**
 * How far a mean over seeds, and the difference of two arms, can be trusted.
 *
 * Intervals: places and seeds are both drawn again with replacement (a two-way bootstrap), so that they cover other ground
 * and other runs. All arms share the draws, so that differences are paired.
 *
 * p-values: a permutation test. Were two arms alike, their scores could be exchanged place by place (in all seeds together,
 * as pairs of a place resemble each other in every run); how often is the difference then as large as the one that was
 * seen? The trained matchers are taken as they are: what other seeds would give, the interval says.
 */

import { quantile, Rng } from '@doppel/core/base';
import type { Interval } from '@doppel/core/evaluation';
import {
  type ArmSample,
  EXPERIMENT_METRICS,
  type ExperimentMetric,
  type ExperimentMetrics,
  exchanger,
  measurer,
} from './arm_sample.ts';

export interface Estimate {
  /** Mean over seeds. */
  mean: number;
  /** 95 %; null where there are fewer than two places, or it is undefined in most draws. */
  interval: Interval | null;
}
export type Estimates = Record<ExperimentMetric, Estimate>;

const LEVEL = 0.95;

/** Values of each resample by arm: differences of arms come from the same draws. */
export interface Resampled {
  /** Mean over seeds, as they are. */
  point: ExperimentMetrics;
  /** Resampled values by metric, one for each resample. */
  draws: Record<ExperimentMetric, Float64Array>;
}

export interface ResampleOptions {
  resamples: number;
  seed: number;
}

/**
 * @param samples of an arm, one a seed. @param seeds all of them, in an order that all arms share.
 * @param places how many there are.
 */
export function resample(
  samples: readonly ArmSample[],
  seeds: readonly number[],
  places: number,
  options: ResampleOptions,
): Resampled {
  const rng = Rng.derive(options.seed, 'experiment bootstrap');
  const measures = seeds.map((seed) => measurer(samples.find((sample) => sample.seed === seed)!));
  const point = meanOf(measures.map((measure) => measure()));
  const draws = byMetric(() => new Float64Array(options.resamples));
  const timesDrawn = new Uint32Array(places);
  for (let i = 0; i < options.resamples; i++) {
    timesDrawn.fill(0);
    for (let draw = 0; draw < places; draw++) timesDrawn[rng.int(places)]!++;
    const drawn = seeds.map(() => rng.int(seeds.length));
    const values = new Map([...new Set(drawn)].map((seed) => [seed, measures[seed]!(timesDrawn)]));
    const mean = meanOf(drawn.map((seed) => values.get(seed)!));
    for (const metric of EXPERIMENT_METRICS) draws[metric][i] = mean[metric];
  }
  return { point, draws };
}

/** Estimates the metrics of one arm. */
export function estimates({ point, draws }: Resampled, places: number): Estimates {
  return byMetric((metric) => ({ mean: point[metric], interval: places > 1 ? intervalOf(draws[metric]) : null }));
}

/** Estimates the differences a − b. */
export function differences(a: Resampled, b: Resampled, places: number): Estimates {
  return byMetric((metric) => ({
    mean: a.point[metric] - b.point[metric],
    interval: places > 1 ? intervalOf(a.draws[metric].map((value, i) => value - b.draws[metric][i]!)) : null,
  }));
}

/**
 * Two-sided p of each metric's difference a − b, (1 + as large or larger) / (1 + permutations).
 *
 * @param pairs of samples of the same seed and the same test pairs.
 */
export function permutationTest(
  pairs: readonly (readonly [ArmSample, ArmSample])[],
  places: number,
  { permutations, seed }: { permutations: number; seed: number },
): ExperimentMetrics {
  const rng = Rng.derive(seed, 'experiment permutations');
  const exchangers = pairs.map(([a, b]) => exchanger(a, b));
  const differenceWhen = (isExchanged: ArrayLike<number>) => {
    const both = exchangers.map((exchange) => exchange(isExchanged));
    const [a, b] = [meanOf(both.map(([first]) => first)), meanOf(both.map(([, second]) => second))];
    return byMetric((metric) => a[metric] - b[metric]);
  };
  const isExchanged = new Uint8Array(places);
  const seen = differenceWhen(isExchanged);
  const counts = byMetric(() => 0);
  for (let i = 0; i < permutations; i++) {
    for (let place = 0; place < places; place++) isExchanged[place] = rng.int(2);
    const difference = differenceWhen(isExchanged);
    for (const metric of EXPERIMENT_METRICS) {
      if (!(Math.abs(difference[metric]) < Math.abs(seen[metric]) - 1e-12)) counts[metric]++;
    }
  }
  return byMetric((metric) => (1 + counts[metric]) / (1 + permutations));
}

export const byMetric = <T>(of: (metric: ExperimentMetric) => T): Record<ExperimentMetric, T> =>
  Object.fromEntries(EXPERIMENT_METRICS.map((metric) => [metric, of(metric)])) as Record<ExperimentMetric, T>;

const meanOf = (values: readonly ExperimentMetrics[]): ExperimentMetrics =>
  byMetric((metric) => values.reduce((sum, value) => sum + value[metric], 0) / values.length);

function intervalOf(values: Float64Array): Interval | null {
  const defined = values.filter((value) => !Number.isNaN(value)).sort();
  if (defined.length * 2 < values.length || defined.length === 0) return null;
  return [quantile(defined, (1 - LEVEL) / 2), quantile(defined, (1 + LEVEL) / 2)];
}
