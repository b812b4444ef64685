/**
 * Matches the values of generated patches to those of real ones. A decoder's output is smoother than SAR and has
 * another spread, so a matcher could recognise it by its histogram alone. Standardising again is part of the
 * preparation; copying the speckle and the histogram of the source patch is an optional counter-measure.
 */
import { z } from 'zod';
import { momentsOf } from '../base/moments.ts';
import type { Normalisation } from '../prepare/normalisation.ts';

/** `speckle`: the speckle of the source (match_speckle.ts), then its histogram. */
export const MATCHES = ['none', 'speckle'] as const;
/** Properties that a generated patch copies from its source. */
export type Match = (typeof MATCHES)[number];

export const matchSchema = z
  .enum(MATCHES, {
    error: ({ input }) =>
      input === 'histogram' ? 'histogram was removed: speckle matches the histogram too' : undefined,
  })
  .default('none')
  .meta({ description: 'What made patches take over from their source' });

/** Scales in place to mean 0 and standard deviation 1 if the normalisation standardises patch by patch. */
export function standardiseAgain(patch: Float32Array, { sar }: Pick<Normalisation, 'sar'>): Float32Array {
  if (sar.standardise !== 'patch') return patch;
  const { mean, std } = momentsOf(patch);
  const scale = std > 0 ? 1 / std : 0;
  for (let i = 0; i < patch.length; i++) patch[i] = (patch[i]! - mean) * scale;
  return patch;
}

/**
 * Exact histogram specification: the values of `source` in the order of `patch`. The smallest sample gets the smallest
 * value of the source, and so on; ties by position. Both have the same length.
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
