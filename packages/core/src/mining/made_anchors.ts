/**
 * The pairs that patches are made for: real positives of the training split. What is made never comes near another split,
 * so there is no choice of one here.
 */

import type { Split } from '../dataset/patch_pair.ts';
import { SplitError } from '../errors.ts';
import type { MinableRecord } from './plan.ts';

interface Records {
  records: readonly MinableRecord[];
  indicesOf(split: Split): number[];
}

/** Ascending. @throws SplitError where there is none. */
export function anchorsOf({ records, indicesOf }: Records): number[] {
  const train = indicesOf('train');
  const anchors = train.filter((index) => records[index]!.label === 1 && records[index]!.provenance === 'real');
  if (anchors.length > 0) return anchors;
  throw new SplitError({
    action: 'make negatives for the split "train"',
    expected: 'at least one real positive pair',
    found: `none among ${train.length} pairs`,
    remedy: 'Split the data set again by `doppel data split`.',
  });
}
