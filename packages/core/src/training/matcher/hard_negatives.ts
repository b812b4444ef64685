/** Current hard negatives of a run: those of its file, or those of its last adaptive mining. */
import type { NegativeSet } from '../../generator/made_patches.ts';
import type { PatchStack } from '../../generator/patch_stack.ts';
import { byAnchor, type HardNegatives, madeByAnchor } from './sampler.ts';

export interface RunNegatives extends HardNegatives {
  /** Made patches, whose rows `generated` and `reconstructed` name. */
  stack: PatchStack | undefined;
  /** Epoch (from 0) at whose start they were found; undefined for those of a file. */
  foundAt: number | undefined;
  /** First step that they are no longer valid for. */
  until: number;
}

/** @param found of negatives that are found again as the matcher learns. */
export function runNegativesOf(
  { mined, generated }: NegativeSet,
  useReconstructions: boolean,
  found: { at: number; until: number } | undefined,
): RunNegatives {
  return {
    mined: byAnchor(mined),
    generated: generated && madeByAnchor(generated.negatives),
    reconstructed: generated && useReconstructions ? madeByAnchor(generated.reconstructions) : undefined,
    stack: generated?.patches,
    foundAt: found?.at,
    until: found?.until ?? Number.POSITIVE_INFINITY,
  };
}
