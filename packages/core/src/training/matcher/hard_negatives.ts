/** Current hard negatives of a run: those of its file, or those of its last adaptive mining. */
import type { MadePair, NegativeSet } from '../../generator/made_patches.ts';
import type { PatchStack } from '../../generator/patch_stack.ts';
import type { TrainingConfig } from './config.ts';
import { byAnchor, type HardNegatives, madeByAnchor } from './sampler.ts';

export interface RunNegatives extends HardNegatives {
  /** Made patches, whose rows `generated` and `reconstructed` name. */
  stack: PatchStack | undefined;
  /** Share of the patch that was changed, by row of the stack; rows that do not say it are missing. */
  changed: ReadonlyMap<number, number>;
  /** Epoch (from 0) at whose start they were found; undefined for those of a file. */
  foundAt: number | undefined;
  /** First step that they are no longer valid for. */
  until: number;
}

/** @param found of negatives that are found again as the matcher learns. */
export function runNegativesOf(
  { mined, generated }: NegativeSet,
  { reconstructions, ceiling }: Pick<TrainingConfig['negatives'], 'reconstructions' | 'ceiling'>,
  found: { at: number; until: number } | undefined,
): RunNegatives {
  const used = generated?.negatives.filter((made) => isBelow(made, ceiling));
  return {
    mined: byAnchor(mined),
    generated: used && madeByAnchor(used),
    reconstructed: generated && reconstructions ? madeByAnchor(generated.reconstructions) : undefined,
    stack: generated?.patches,
    changed: new Map(used?.flatMap(({ patch, changed }) => (changed === undefined ? [] : [[patch, changed]]))),
    foundAt: found?.at,
    until: found?.until ?? Number.POSITIVE_INFINITY,
  };
}

/** True if the matcher that made the list scored a negative below a share of its positive, or did not score it. */
const isBelow = ({ score, positiveScore }: MadePair, ceiling: number | undefined): boolean =>
  ceiling === undefined || score === undefined || positiveScore === undefined || score <= ceiling * positiveScore;
