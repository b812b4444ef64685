/**
 * `splits.json`: which places a data set trains, validates and tests on. A split that leaks is an error, not a warning:
 * every place is in one split, and no ground is shown in two.
 *
 *     {"doppel":"splits","version":1,"fingerprint":"9f2c…","seed":1,"splits":{"train":["003"],"validation":["087"],"test":["100"],"unused":[]}}
 */

import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { FormatError, SplitError } from '../errors.ts';
import { FootprintIndex } from '../geo/footprint_index.ts';
import type { PairRecord } from './pairs_file.ts';
import { SPLITS } from './patch_pair.ts';
import { recordsByImage } from './shared_images.ts';

export const SPLITS_FILE = 'splits.json';

const groups = z.array(z.string().min(1));

export const splitsSchema = z.strictObject({
  doppel: z.literal('splits'),
  version: z.literal(1),
  /** SHA-256 of the pairs.jsonl that was split. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 as 64 hex digits'),
  /** Seed of the draw of places; absent for a fixed split. */
  seed: z.int().optional(),
  /** Places by split; `unused` belong to none. */
  splits: z.strictObject({ train: groups, validation: groups, test: groups, unused: groups.default([]) }),
});
export type Splits = z.infer<typeof splitsSchema>;
export type SplitName = keyof Splits['splits'];

export const SPLIT_NAMES = [...SPLITS, 'unused'] as const satisfies readonly SplitName[];

/** @throws FormatError where the text is no split file. */
export function parseSplits(text: string, file: string): Splits {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, expected: 'a split file (version 1)', found, cause },
      remedy: 'Split the data set again by `doppel data split`.',
    });
  return parseJson(splitsSchema, text, fail);
}

export const formatSplits = (splits: Splits): string => `${JSON.stringify(splits, null, 1)}\n`;

type PlacedRecord = Pick<PairRecord, 'id' | 'group' | 'footprint'> & Partial<Pick<PairRecord, 'sar' | 'optical'>>;

/**
 * The split of each record.
 *
 * @throws SplitError where a place is in two splits or in none, is not in the data, or where footprints of two splits
 * overlap or that share an image.
 */
export function assignSplits(records: readonly PlacedRecord[], splits: Splits['splits'], file: string): SplitName[] {
  const splitOf = splitOfGroups(splits, file);
  const inData = new Set(records.map(({ group }) => group));
  for (const [group, split] of splitOf) {
    if (!inData.has(group)) throw misfit(file, 'places of the data set', `"${group}" in ${split}, which it has not`);
  }
  const assigned = records.map(({ group }) => {
    const split = splitOf.get(group);
    if (split === undefined) throw misfit(file, 'every place in a split, or in "unused"', `"${group}" in none`);
    return split;
  });
  refuseSharedGround(records, assigned, file);
  refuseSharedImages(records, assigned, file);
  return assigned;
}

function splitOfGroups(splits: Splits['splits'], file: string): Map<string, SplitName> {
  const splitOf = new Map<string, SplitName>();
  for (const split of SPLIT_NAMES) {
    for (const group of splits[split]) {
      const before = splitOf.get(group);
      if (before === split) throw misfit(file, 'each place once', `"${group}" twice in ${split}`);
      if (before) throw misfit(file, 'each place in one split', `"${group}" in ${before} and in ${split}`);
      splitOf.set(group, split);
    }
  }
  return splitOf;
}

/** Refuses overlaps between splits. Unused places may overlap any others. */
function refuseSharedGround(records: readonly PlacedRecord[], assigned: readonly SplitName[], file: string): void {
  const used = records.map(({ footprint }, i) => (assigned[i] === 'unused' ? undefined : footprint));
  const index = new FootprintIndex(used, 0, file);
  for (let i = 0; i < records.length; i++) {
    const j = index.near(i).find((other) => assigned[other] !== assigned[i]);
    if (j === undefined) continue;
    throw misfit(
      file,
      'no ground in two splits',
      `overlapping footprints: ${nameOf(records, assigned, i)}, ${nameOf(records, assigned, j)}`,
    );
  }
}

function refuseSharedImages(records: readonly PlacedRecord[], assigned: readonly SplitName[], file: string): void {
  for (const sharing of recordsByImage(records)) {
    const used = sharing.filter((i) => assigned[i] !== 'unused');
    const other = used.find((i) => assigned[i] !== assigned[used[0]!]);
    if (other === undefined) continue;
    const found = `one image, or copies of it: ${nameOf(records, assigned, used[0]!)}, ${nameOf(records, assigned, other)}`;
    throw misfit(file, 'no image in two splits', found);
  }
}

const nameOf = (records: readonly PlacedRecord[], assigned: readonly SplitName[], i: number) =>
  `${records[i]?.id} of the place "${records[i]?.group}" in ${assigned[i]}`;

function misfit(file: string, expected: string, found: string): SplitError {
  return new SplitError({
    ...{ action: `use the splits of ${file}`, expected, found },
    remedy: 'Split the data set again by `doppel data split`, or list one of the places under "unused".',
  });
}
