/**
 * Hard negatives of a batch of windows: SAR patches that mining found, or a generator made, for a record's optical patch.
 * They are further templates without a window of their own, next to a window around that record.
 */
import { Rng } from '../../../base/random.ts';
import type { HardNegatives } from '../sampler.ts';
import type { PlacedPatch, TrainingScenes } from './training_scenes.ts';

export interface HardTemplate {
  /** Record whose optical patch it is a negative of, and where that lies. */
  anchor: PlacedPatch;
  /** Place of a mined patch, or its record where it lies in none of the training scenes; or row of a made one. */
  patch: { mined: PlacedPatch } | { record: number } | { made: number };
}

/** Counts of templates wanted of each kind. */
export interface HardCounts {
  mined: number;
  generated: number;
}

/** Templates of a step, of different anchors; fewer than wanted where there are too few. */
export function drawHardTemplates(
  source: TrainingScenes,
  { mined, generated }: Pick<HardNegatives, 'mined' | 'generated'>,
  counts: HardCounts,
  { seed, step }: { seed: number; step: number },
): HardTemplate[] {
  const rng = Rng.derive(seed, 'hard templates', step);
  const used = new Set<number>();

  function draw(of: ReadonlyMap<number, readonly number[]>, count: number, patchOf: PatchOf): HardTemplate[] {
    const found: HardTemplate[] = [];
    for (const record of rng.shuffle([...of.keys()])) {
      if (found.length >= count) break;
      const anchor = used.has(record) ? undefined : source.patchAt(record);
      if (!anchor) continue;
      used.add(record);
      found.push({ anchor, patch: patchOf(rng.pick(of.get(record)!)) });
    }
    return found;
  }

  const ofMined: PatchOf = (record) => {
    const at = source.patchAt(record);
    return at ? { mined: at } : { record };
  };
  return [
    ...draw(mined, counts.mined, ofMined),
    ...draw(generated ?? new Map(), counts.generated, (made) => ({ made })),
  ];
}

type PatchOf = (negative: number) => HardTemplate['patch'];
