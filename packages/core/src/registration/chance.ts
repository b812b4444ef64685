/**
 * Chance of an agreement by luck: matches that were found anywhere in their search also agree at times, and the more maps
 * are tried, the more often. After Desolneux, Moisan and Morel, From Gestalt Theory to Image Analysis (2008), and Moisan
 * and Stival, A Probabilistic Criterion to Detect Rigid Point Matches (IJCV 2004).
 */
import { MINIMAL } from './fit_plane.ts';
import type { ModelKind } from './registration.ts';

/** Share of a square search window, of half a side of `search`, that lies within `gate` of a place. */
export const shareWithin = (gate: number, search: number): number =>
  Math.min(1, (Math.PI * gate * gate) / (2 * search + 1) ** 2);

/**
 * Decimal logarithm of the expected number of maps that as many matches agree on by luck: the probability that the
 * others fall near the map of a minimal sample, times the samples, and times the samples of those that agree, for the map
 * moves to where most do.
 *
 * @param share see `shareWithin`.
 */
export function luckOf(kind: ModelKind, matches: number, agreeing: number, share: number): number {
  const minimal = Math.min(MINIMAL[kind], MINIMAL.affine); // bent maps start from an affine one
  if (agreeing <= minimal) return 0;
  const samples = logChoose(matches, minimal) + logChoose(agreeing, minimal);
  return Math.min(0, samples + logTail(matches - minimal, agreeing - minimal, share));
}

/** Decimal logarithm of the probability that at least `successes` of `trials` succeed, each with probability `share`. */
export function logTail(trials: number, successes: number, share: number): number {
  if (successes <= 0 || share >= 1) return 0;
  if (successes > trials) return Number.NEGATIVE_INFINITY;
  const terms = Array.from({ length: trials - successes + 1 }, (_, i) => {
    const k = successes + i;
    return logChoose(trials, k) + k * Math.log10(share) + (trials - k) * Math.log10(1 - share);
  });
  const most = Math.max(...terms);
  return Math.min(0, most + Math.log10(terms.reduce((sum, term) => sum + 10 ** (term - most), 0)));
}

/** Decimal logarithm of the binomial coefficient. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) sum += Math.log10((n - i + 1) / i);
  return sum;
}
