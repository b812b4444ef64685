/**
 * The share of the excess that an arm removes. Part of the false alarms comes from pairs that are hard for any reason, so
 * that no choice of negatives could remove it; the excess of look-alikes over shuffled pairs is what hard ground adds.
 */
import { quantile } from '@doppel/core/base';
import type { Estimate, Resampled } from './compare.ts';

export const EXCESS = { hard: 'look-alikes', easy: 'shuffled', metric: 'fpr80' } as const;

/** Share of the draws without an excess of the baseline beyond which an interval would be one of the other draws alone. */
const MOST_LEFT_OUT = 0.05;

/**
 * 1 − excess / the baseline's excess, by the same draws of seeds and places. Draws in which the baseline has no excess are
 * left out; there is no interval where they are more than one in twenty.
 *
 * @returns null where the baseline has no excess that could be removed, or none is defined.
 */
export function excessRemoved(
  arm: Record<'hard' | 'easy', Resampled>,
  baseline: Record<'hard' | 'easy', Resampled>,
): Estimate | null {
  const { metric } = EXCESS;
  const share = (own: number, other: number) => (other > 0 ? 1 - own / other : Number.NaN);
  const point = ({ hard, easy }: typeof arm) => hard.point[metric] - easy.point[metric];
  const draw = ({ hard, easy }: typeof arm, i: number) => hard.draws[metric][i]! - easy.draws[metric][i]!;
  const mean = share(point(arm), point(baseline));
  if (!Number.isFinite(mean)) return null;
  const draws = Array.from(arm.hard.draws[metric], (_, i) => share(draw(arm, i), draw(baseline, i)));
  const sorted = Float64Array.from(draws.filter(Number.isFinite)).sort();
  const isKnown = sorted.length > 0 && sorted.length >= (1 - MOST_LEFT_OUT) * draws.length;
  return { mean, interval: isKnown ? [quantile(sorted, 0.025), quantile(sorted, 0.975)] : null };
}
