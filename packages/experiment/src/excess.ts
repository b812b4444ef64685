/**
 * The share of the excess that an arm removes. Part of the false alarms comes from pairs that are hard for any reason, so
 * that no choice of negatives could remove it; the excess of look-alikes over shuffled pairs is what hard ground adds.
 */
import { quantile } from '@doppel/core/base';
import type { Estimate, Resampled } from './compare.ts';

export const EXCESS = { hard: 'look-alikes', easy: 'shuffled', metric: 'fpr80' } as const;

/** 1 − excess / the baseline's excess, by the same draws of seeds and places. */
export function excessRemoved(
  arm: Record<'hard' | 'easy', Resampled>,
  baseline: Record<'hard' | 'easy', Resampled>,
): Estimate {
  const { metric } = EXCESS;
  const share = (own: number, other: number) => 1 - own / other;
  const point = ({ hard, easy }: typeof arm) => hard.point[metric] - easy.point[metric];
  const draw = ({ hard, easy }: typeof arm, i: number) => hard.draws[metric][i]! - easy.draws[metric][i]!;
  const draws = Array.from(arm.hard.draws[metric], (_, i) => share(draw(arm, i), draw(baseline, i)));
  const sorted = Float64Array.from(draws.filter(Number.isFinite)).sort();
  return {
    mean: share(point(arm), point(baseline)),
    interval: sorted.length * 2 > draws.length ? [quantile(sorted, 0.025), quantile(sorted, 0.975)] : null,
  };
}
