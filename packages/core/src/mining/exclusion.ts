/**
 * Keeps an anchor's own ground from becoming its negative. A SAR patch that overlaps or neighbours the anchor's is no
 * safe negative, nor is the same image under another name: some data sets pair one SAR patch with several optical views.
 */
import type { MinableRecord } from './plan.ts';
import type { Exclusion } from './select.ts';

/** Which records show ground so near to each other that they are no negatives; `placeGuard` makes one. */
export interface MiningGuard {
  conflictsOf(record: number): ReadonlySet<number>;
}

/** @returns for an anchor, what must never be its negative. */
export function exclusions(records: readonly MinableRecord[], guard: MiningGuard): (anchor: number) => Exclusion {
  const byPath = new Map<string, number>();
  const images = Int32Array.from(records, ({ sar }) => {
    const image = byPath.get(sar) ?? byPath.size;
    byPath.set(sar, image);
    return image;
  });
  return (anchor) => {
    const guarded = new Set([images[anchor]!]);
    for (const record of guard.conflictsOf(anchor)) guarded.add(images[record]!);
    return {
      isGuarded: (candidate) => guarded.has(images[candidate]!),
      imageOf: (candidate) => images[candidate]!,
    };
  };
}
