/**
 * Confidence intervals of metrics: pairs of one place resemble each other, so places, not pairs, are resampled with
 * replacement (the cluster bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993). A resample is
 * the number of times each place was drawn, which the metrics take as weights; nothing is copied or sorted again.
 */
import { quantile } from '../base/quantile.ts';
import { Rng } from '../base/random.ts';

export type Interval = readonly [low: number, high: number];

export interface BootstrapOptions {
  /** Default 1,000. */
  resamples?: number;
  /** Share of the resamples that the interval covers. Default 0.95. */
  level?: number;
  seed?: number;
}

export interface Bootstrap<Name extends string = string> {
  /**
   * Percentile intervals; null where there are fewer than two places, or where most resamples leave the metric
   * undefined.
   */
  intervals: Record<Name, Interval | null>;
  resamples: number;
  level: number;
  places: number;
  seed: number;
}

export const BOOTSTRAP_DEFAULTS = { resamples: 1000, level: 0.95, seed: 1 } as const;

/**
 * Percentile intervals of all metrics at once, from the same resamples. To compare two models, let `measure` return the
 * difference of their metrics.
 *
 * @param places their number. @param measure the metrics when place p counts `timesDrawn[p]` times; NaN where a
 * metric is undefined (a resample with one class, say), which leaves that resample out for that metric.
 */
export function bootstrap<Name extends string>(
  places: number,
  measure: (timesDrawn: Uint32Array) => Record<Name, number>,
  options: BootstrapOptions = {},
): Bootstrap<Name> {
  const { resamples, level, seed } = { ...BOOTSTRAP_DEFAULTS, ...options };
  const rng = Rng.derive(seed, 'bootstrap');
  const timesDrawn = new Uint32Array(places).fill(1);
  const names = Object.keys(measure(timesDrawn)) as Name[];
  const values = names.map(() => new Float64Array(resamples));
  for (let resample = 0; resample < resamples && places > 1; resample++) {
    timesDrawn.fill(0);
    for (let draw = 0; draw < places; draw++) timesDrawn[rng.int(places)]!++;
    const measured = measure(timesDrawn);
    names.forEach((name, i) => {
      values[i]![resample] = measured[name];
    });
  }
  const intervals = Object.fromEntries(
    names.map((name, i) => [name, places > 1 ? percentileInterval(values[i]!, level) : null]),
  ) as Record<Name, Interval | null>;
  return { intervals, resamples, level, places, seed };
}

function percentileInterval(values: Float64Array, level: number): Interval | null {
  const defined = values.filter((value) => !Number.isNaN(value)).sort();
  if (defined.length === 0 || defined.length * 2 < values.length) return null;
  return [quantile(defined, (1 - level) / 2), quantile(defined, (1 + level) / 2)];
}
