/**
 * The place guard: which records show the same or neighbouring ground, and so are no negatives of each other. Scenes
 * are aligned to a few pixels only, and neighbours share roads and shores.
 */

import { FootprintIndex } from '../geo/footprint_index.ts';
import type { PairRecord } from './dataset.ts';
import { recordsByImage } from './shared_images.ts';

/** Guard shared by mining, training, evaluation and the experiment; `placeGuard` creates it. */
export interface PlaceGuard {
  /** Gap around a footprint that still counts as its ground, in patch sides. */
  readonly margin: number;
  /** True if records i and j show the same or neighbouring ground, or i = j. */
  conflict(i: number, j: number): boolean;
  /** Every j that conflicts with i, including i. */
  conflictsOf(i: number): ReadonlySet<number>;
}

type GuardedRecord = Pick<PairRecord, 'group' | 'footprint'> & Partial<Pick<PairRecord, 'sar' | 'optical' | 'label'>>;

/**
 * Two records with footprints conflict if the gap between these is less than `margin` patch sides: the default of 1
 * keeps a patch from its eight neighbours on a grid. Records without footprints conflict with all of their group. An
 * image that two matching pairs show lies in both places: what conflicts with one of them conflicts with the other.
 *
 * @throws FormatError if a footprint cannot be placed on the globe.
 */
export function placeGuard(records: readonly GuardedRecord[], { margin = 1 }: { margin?: number } = {}): PlaceGuard {
  const index = new FootprintIndex(
    records.map(({ footprint }) => footprint),
    margin,
    'the pairs',
  );
  const groups = groupsOf(records);
  const images = imagesOf(records);
  const known = new Map<number, ReadonlySet<number>>();

  function find(i: number): ReadonlySet<number> {
    const ground = new Set([i, ...sharing(i).filter(matches)].flatMap(onGround));
    return new Set([...ground].flatMap((j) => (matches(j) ? [j, ...sharing(j)] : [j])));
  }

  const matches = (i: number) => records[i]?.label !== 0;
  const sharing = (i: number) => (images.get(i) ?? []).flat();

  function onGround(i: number): number[] {
    const record = records[i];
    if (!record) throw new RangeError(`record ${i} of ${records.length}`);
    const group = groups.get(record.group) ?? [];
    // A record without footprint may be anywhere in its group.
    const unplaced = record.footprint ? group.filter((j) => !records[j]?.footprint) : group;
    return [i, ...unplaced, ...index.near(i)];
  }

  function conflictsOf(i: number): ReadonlySet<number> {
    const conflicts = known.get(i) ?? find(i);
    known.set(i, conflicts);
    return conflicts;
  }

  return { margin, conflictsOf, conflict: (i, j) => conflictsOf(i).has(j) };
}

/** Records that show the images of a record, by record; none for images that no other shows. */
function imagesOf(records: readonly GuardedRecord[]): Map<number, number[][]> {
  const images = new Map<number, number[][]>();
  for (const sharing of recordsByImage(records)) {
    for (const i of sharing) images.set(i, [...(images.get(i) ?? []), sharing]);
  }
  return images;
}

function groupsOf(records: readonly Pick<PairRecord, 'group'>[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  records.forEach(({ group }, i) => {
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
  });
  return groups;
}
