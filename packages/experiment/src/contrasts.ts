/**
 * Comparisons that were fixed before any test figure was seen. The unit is the seed: its difference on all test pairs,
 * paired. The standard error adds what other places would change, from a bootstrap of the places with the seeds as they
 * are: se² = s²/n + v. Interval and p are those of Student's t with n − 1 degrees of freedom.
 *
 * Equivalence is two one-sided tests at 5 %: the 90 % interval lies within the margin.
 */
import { Rng } from '@doppel/core/base';
import type { Interval } from '@doppel/core/evaluation';
import { type ExperimentMetric, measurer, sampleOf } from './arm_sample.ts';
import type { Cell } from './cell.ts';
import { bestRival } from './common_seeds.ts';
import type { Contrast } from './contrast_settings.ts';
import { tailOf, tQuantile } from './student.ts';

export interface ContrastResult {
  name: string;
  matcher: string;
  budget: number;
  arm: string;
  /** Arm that it was compared with: of several the best on this set, by the seeds that all have. */
  against: string;
  set: string;
  metric: ExperimentMetric;
  /** Seeds of both, and the difference of each. */
  seeds: number[];
  differences: number[];
  mean: number;
  /** Mean difference as a share of the other arm's mean; null where that is 0. */
  relative: number | null;
  /**
   * Standard deviation of the differences; null, as all below, with one seed or one place, and where the metric is
   * undefined in a share of the bootstrap's draws.
   */
  deviation: number | null;
  standardError: number | null;
  /** 95 %. */
  interval: Interval | null;
  p: number | null;
  /** Margin, 90 % interval, and whether it lies within. */
  equivalence: { margin: number; interval: Interval; holds: boolean } | null;
}

export interface ContrastOptions {
  resamples: number;
  seed: number;
}

/** Metrics of which less is better. */
const LOWER: readonly ExperimentMetric[] = ['fpr', 'fpr80', 'fpr95'];

/**
 * @param cells of one matcher and budget. @returns undefined where no seed has both arms, or the metric is undefined in
 * one of theirs.
 */
export function contrastOf(
  name: string,
  contrast: Contrast,
  cells: readonly Cell[],
  options: ContrastOptions,
): ContrastResult | undefined {
  const { arm, set, metric } = contrast;
  const of = (each: string) => cells.filter((cell) => cell.arm === each && cell.sets[set]);
  const runArm = (each: string) => ({ name: each, seeds: of(each).map(({ seed }) => seed) });
  const sign = LOWER.includes(metric) ? 1 : -1;
  const meanValue = (each: string, seeds: readonly number[]) => {
    const cells = of(each).filter(({ seed }) => seeds.includes(seed));
    return sign * meanOf(cells.map((cell) => measured(cell, set, metric)));
  };
  const against = bestRival(runArm(arm), contrast.against.map(runArm), meanValue);
  if (against === undefined) return undefined;
  const pairs = of(arm)
    .toSorted((a, b) => a.seed - b.seed)
    .flatMap((own) => of(against).flatMap((other) => (other.seed === own.seed ? [{ own, other }] : [])));
  const differences = pairs.map(({ own, other }) => measured(own, set, metric) - measured(other, set, metric));
  const { matcher, budget } = pairs[0]!.own;
  const mean = meanOf(differences);
  if (!Number.isFinite(mean)) return undefined;
  const ofOther = meanOf(pairs.map(({ other }) => measured(other, set, metric)));
  return {
    ...{ name, matcher, budget, arm, against, set, metric },
    seeds: pairs.map(({ own }) => own.seed),
    differences,
    mean,
    relative: ofOther === 0 ? null : mean / ofOther,
    ...uncertaintyOf(differences, pairs, contrast, options),
  };
}

function uncertaintyOf(
  differences: readonly number[],
  pairs: readonly CellPair[],
  { set, metric, equivalence }: Contrast,
  options: ContrastOptions,
): Pick<ContrastResult, 'deviation' | 'standardError' | 'interval' | 'p' | 'equivalence'> {
  const n = differences.length;
  const ofPlaces = n < 2 ? undefined : placeVariance(pairs, set, metric, options);
  if (ofPlaces === undefined)
    return { deviation: null, standardError: null, interval: null, p: null, equivalence: null };
  const mean = meanOf(differences);
  const variance = varianceOf(differences);
  const standardError = Math.sqrt(variance / n + ofPlaces);
  const within = (level: number): Interval => {
    const reach = tQuantile((1 + level) / 2, n - 1) * standardError;
    return [mean - reach, mean + reach];
  };
  const narrow = within(0.9);
  return {
    ...{ deviation: Math.sqrt(variance), standardError, interval: within(0.95) },
    p: pOf(mean, standardError, n),
    equivalence:
      equivalence === undefined
        ? null
        : { margin: equivalence, interval: narrow, holds: narrow[0] > -equivalence && narrow[1] < equivalence },
  };
}

/** Two-sided p of Student's t; where nothing varies, 1 for no difference and 0 for any. */
function pOf(mean: number, standardError: number, n: number): number {
  if (standardError === 0) return mean === 0 ? 1 : 0;
  return tailOf(mean / standardError, n - 1);
}

interface CellPair {
  own: Cell;
  other: Cell;
}

/** Share of draws without a value beyond which the others would make the variance too small. */
const MOST_UNDEFINED = 0.05;

/**
 * Variance of the mean difference when places are drawn again; undefined with one place, and where the metric is undefined
 * in more than one of twenty draws.
 */
function placeVariance(
  pairs: readonly CellPair[],
  set: string,
  metric: ExperimentMetric,
  { resamples, seed }: ContrastOptions,
): number | undefined {
  const rng = Rng.derive(seed, 'contrast places');
  const measures = pairs.map(
    ({ own, other }) => [measurer(sampleOf(own, set)), measurer(sampleOf(other, set))] as const,
  );
  const places = pairs[0]!.own.places.length;
  const timesDrawn = new Uint32Array(places);
  const means: number[] = [];
  for (let i = 0; i < resamples; i++) {
    timesDrawn.fill(0);
    for (let draw = 0; draw < places; draw++) timesDrawn[rng.int(places)]!++;
    const mean = meanOf(measures.map(([a, b]) => a(timesDrawn)[metric] - b(timesDrawn)[metric]));
    if (Number.isFinite(mean)) means.push(mean);
  }
  const isKnown = places > 1 && means.length > 1 && means.length >= (1 - MOST_UNDEFINED) * resamples;
  return isKnown ? varianceOf(means) : undefined;
}

const measured = (cell: Cell, set: string, metric: ExperimentMetric): number => measurer(sampleOf(cell, set))()[metric];

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/**
 * Smallest difference that n paired seeds show with a power of 80 % at a level of 5 %, or the smallest margin of
 * equivalence where both arms are equal. By seeds alone: places add to it.
 */
export function detectable({ deviation, equivalence }: Contrast, seeds: number): number | undefined {
  if (deviation === undefined || seeds < 2) return undefined;
  const quantiles = equivalence === undefined ? [0.975, 0.8] : [0.95, 0.9];
  const sum = quantiles.reduce((total, probability) => total + tQuantile(probability, seeds - 1), 0);
  return (sum * deviation) / Math.sqrt(seeds);
}

/** Sentences on what an experiment can show, before it runs. */
export function powerLines(contrasts: Readonly<Record<string, Contrast>>, seedsOf: (arm: string) => number): string[] {
  return Object.entries(contrasts).flatMap(([name, contrast]) => {
    const seeds = Math.min(...[contrast.arm, ...contrast.against].map(seedsOf));
    const least = detectable(contrast, seeds);
    if (least === undefined) return [];
    const what = contrast.equivalence === undefined ? 'a difference of' : 'equivalence within';
    const points = (value: number) => `${(100 * value).toFixed(2)} points`;
    const assumed = `if differences deviate by ${points(contrast.deviation!)} from seed to seed`;
    return [`contrast ${name}: ${seeds} seeds show ${what} ${points(least)} with a power of 80 %, ${assumed}`];
  });
}
