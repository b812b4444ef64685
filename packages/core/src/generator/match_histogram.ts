/**
 * Generated patches as a matcher would meet real ones. A decoder's output is smoother than radar and has another spread: a
 * matcher could tell it by its histogram alone. Standardising again is part of being prepared; matching the histogram of
 * the source patch is a counter-measure that can be chosen.
 */
import { momentsOf } from '../base/moments.ts';
import type { Normalisation } from '../prepare/normalisation.ts';

/** `speckle`: the speckle of the source (match_speckle.ts), then its histogram. */
export const MATCHES = ['none', 'histogram', 'speckle'] as const;
/** What is done to a generated patch so that it resembles its source. */
export type Match = (typeof MATCHES)[number];

/** Where patches are standardised one by one, mean 0 and standard deviation 1; else unchanged. Works in place. */
export function standardiseAgain(patch: Float32Array, { sar }: Pick<Normalisation, 'sar'>): Float32Array {
  if (sar.standardise !== 'patch') return patch;
  const { mean, std } = momentsOf(patch);
  const scale = std > 0 ? 1 / std : 0;
  for (let i = 0; i < patch.length; i++) patch[i] = (patch[i]! - mean) * scale;
  return patch;
}

/**
 * The values of `source` in the order of `patch`: its smallest sample gets the smallest value of the source, and so on
 * (exact histogram specification; ties by position). Both have the same length.
 */
export function matchHistogram(patch: Float32Array, source: Float32Array): Float32Array {
  const order = Uint32Array.from({ length: patch.length }, (_, i) => i).sort((a, b) => patch[a]! - patch[b]! || a - b);
  const values = source.slice().sort();
  const matched = new Float32Array(patch.length);
  order.forEach((position, rank) => {
    matched[position] = values[rank]!;
  });
  return matched;
}
