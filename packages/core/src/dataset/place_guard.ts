/**
 * Tells which records show ground so near to each other that they are no negatives of one another: alignment is good to
 * a few pixels only, and neighbours share roads and shores.
 */

import { FootprintIndex } from '../geo/footprint_index.ts';
import type { PairRecord } from './dataset.ts';

export interface PlaceGuard {
  /** Do the records i and j show the same or neighbouring ground? True for i = j. */
  conflict(i: number, j: number): boolean;
  /** All such j, i itself among them. */
  conflictsOf(i: number): ReadonlySet<number>;
}

type GuardedRecord = Pick<PairRecord, 'group' | 'footprint'>;

/**
 * Where both footprints are known they decide: a gap of less than `margin` patch sides is a conflict, so that the default
 * of 1 keeps a patch from its eight neighbours on a grid. Without footprints the same group is a conflict.
 *
 * @throws FormatError where a footprint cannot be placed on the globe.
 */
export function placeGuard(records: readonly GuardedRecord[], { margin = 1 }: { margin?: number } = {}): PlaceGuard {
  const index = new FootprintIndex(
    records.map(({ footprint }) => footprint),
    margin,
    'the pairs',
  );
  const groups = groupsOf(records);
  const known = new Map<number, ReadonlySet<number>>();

  function find(i: number): ReadonlySet<number> {
    const record = records[i];
    if (!record) throw new RangeError(`record ${i} of ${records.length}`);
    const group = groups.get(record.group) ?? [];
    // A record without footprint may be anywhere in its group.
    const unplaced = record.footprint ? group.filter((j) => !records[j]?.footprint) : group;
    return new Set([i, ...unplaced, ...index.near(i)]);
  }

  function conflictsOf(i: number): ReadonlySet<number> {
    const conflicts = known.get(i) ?? find(i);
    known.set(i, conflicts);
    return conflicts;
  }

  return { conflictsOf, conflict: (i, j) => conflictsOf(i).has(j) };
}

function groupsOf(records: readonly GuardedRecord[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  records.forEach(({ group }, i) => {
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
  });
  return groups;
}
