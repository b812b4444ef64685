/**
 * Keeps an anchor's own ground from becoming its negative. A SAR patch that overlaps or neighbours the anchor's is no
 * safe negative, nor is the same image under another name: some data sets pair one SAR patch with several optical views.
 */
import type { PlaceGuard } from '../dataset/place_guard.ts';
import type { MinableRecord } from './plan.ts';
import type { Exclusion } from './select.ts';

/** What must not be an anchor's negative, and how often each image is one by now. */
export interface Exclusions {
  for(anchor: number): Exclusion;
  /** Counts one more use of a candidate's image. */
  use(candidate: number): void;
  /** Images in use, and the uses of the one that is used most. */
  variety(): { images: number; mostUsed: number };
}

/** @param maxUses anchors that an image may be the negative of. */
export function exclusions(records: readonly MinableRecord[], guard: PlaceGuard, maxUses: number): Exclusions {
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
