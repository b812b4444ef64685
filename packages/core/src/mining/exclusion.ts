/**
 * Keeps an anchor's own ground from becoming its negative: SAR patches that overlap or neighbour the anchor's, and the
 * same images in other records, as some data sets pair one SAR patch with several optical views. It also counts how
 * often each image is a negative.
 *
 * Hubs: an unsure matcher scores a few SAR patches high for every anchor; capping reuse keeps training from learning
 * "never matches".
 */

import type { PairRecord } from '../dataset/dataset.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';
import type { Exclusion } from './select.ts';

/** Candidates excluded as an anchor's negatives, and the uses of each image so far. */
export interface Exclusions {
  for(anchor: number): Exclusion;
  /** Counts one more use of a candidate's image. */
  use(candidate: number): void;
  /** Images in use, and the uses of the most used one. */
  variety(): { images: number; mostUsed: number };
}

/** @param maxUses anchors that one image may be the negative of. */
export function exclusions(records: readonly PairRecord[], guard: PlaceGuard, maxUses: number): Exclusions {
  const byPath = new Map<string, number>();
  const images = Int32Array.from(records, ({ sar }) => {
    const image = byPath.get(sar) ?? byPath.size;
    byPath.set(sar, image);
    return image;
  });
  const uses = new Uint32Array(byPath.size);
  return {
    for(anchor) {
      const guarded = new Set([images[anchor]!]);
      for (const record of guard.conflictsOf(anchor)) guarded.add(images[record]!);
      return {
        isGuarded: (candidate) => guarded.has(images[candidate]!),
        imageOf: (candidate) => images[candidate]!,
        isSpent: (candidate) => uses[images[candidate]!]! >= maxUses,
      };
    },
    use(candidate) {
      uses[images[candidate]!]!++;
    },
    variety: () => ({
      images: uses.reduce((count, times) => count + (times > 0 ? 1 : 0), 0),
      mostUsed: uses.reduce((most, times) => Math.max(most, times), 0),
    }),
  };
}
