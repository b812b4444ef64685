/**
 * Checks that a model was never shown what it is tested on: a checkpoint records the data set and the places of its
 * training, which are compared with the tested ones.
 */

import { isSameData } from '../dataset/fingerprint.ts';
import type { Split } from '../dataset/patch_pair.ts';
import { SplitError } from '../errors.ts';

export interface TrainedOn {
  /** `Dataset.fingerprint`; of an older version, SHA-256 of the data set's `pairs.jsonl`. */
  dataFingerprint: string;
  /**
   * The places of training, and those that stopped it and fitted its threshold; undefined where they were not recorded.
   */
  places?: { readonly train: readonly string[]; readonly validation: readonly string[] } | undefined;
}

export interface TestedOn {
  split: Split;
  fingerprint: string;
  /** The places of the split. */
  places: ReadonlySet<string>;
}

/**
 * Warnings for the reader of the evaluation; empty if all places are held out.
 *
 * @throws SplitError where a place of the test split was trained or validated on, or one of the validation split was
 * trained on, in the same data set.
 */
export function checkHeldOut(trained: TrainedOn, tested: TestedOn): string[] {
  const { split, places } = tested;
  const isSame = isSameData(trained.dataFingerprint, tested.fingerprint);
  if (split === 'train')
    return ['The train split is what the matcher learned from: these figures do not say how it does elsewhere.'];
  const seen = (trained.places?.train ?? []).filter((place) => places.has(place));
  const tuned = split === 'test' ? (trained.places?.validation ?? []).filter((place) => places.has(place)) : [];
  if (!isSame) return [otherData(seen.length + tuned.length)];
  refuseSeen(seen, 'trained', split);
  refuseSeen(tuned, 'validated', split);
  const warnings: string[] = [];
  if (!trained.places) {
    warnings.push(
      'The checkpoint does not say which places it was trained on: that they are not among the tested ones is not shown.',
    );
  }
  if (split === 'validation') {
    warnings.push(
      'The validation split chose the checkpoint, its temperature and its threshold: these figures are a little too good.',
    );
  }
  return warnings;
}

function otherData(sharedNames: number): string {
  const start = 'The checkpoint was trained on another data set, or on another version of this one';
  if (sharedNames === 0) return `${start}: whether the two show the same ground is not known.`;
  return `${start}, and ${sharedNames} of the tested places bear the name of a place that it was trained or validated on: it may have seen this ground.`;
}

function refuseSeen(seen: readonly string[], verb: string, split: Split): void {
  if (seen.length === 0) return;
  const named = seen.slice(0, 5).join(', ') + (seen.length > 5 ? ' …' : '');
  throw new SplitError({
    action: `evaluate on the ${split} split`,
    expected: 'places that the checkpoint never saw',
    found: `${seen.length} that it was ${verb} on (${named})`,
    remedy: 'Evaluate with the split file that it was trained with, or train again on the present one.',
  });
}
