/**
 * Divides a data set into splits by place: pairs on the same ground go to the same split, whatever their group.
 */

import { Rng } from '../base/random.ts';
import { SplitError, UsageError } from '../errors.ts';
import { FootprintIndex } from '../geo/footprint_index.ts';
import type { Dataset, PairRecord, Splits } from './dataset.ts';
import { SPLITS, type Split } from './patch_pair.ts';
import { type PlaceGuard, placeGuard } from './place_guard.ts';
import { recordsByImage } from './shared_images.ts';

export type Shares = Readonly<Record<Split, number>>;

export interface SplitOptions {
  /** Shares of the pairs by split, with sum 1. A share of 0 leaves its split empty. */
  shares: Shares;
  seed: number;
  /** Distance in patch sides below which groups stay in one split; 0: only overlapping groups. */
  margin: number;
}

/**
 * Draws a split. Places are dealt out at random, larger ones first, each to the split that lacks most of its share; a
 * split of a single place, within which no negatives can be made, gets one more where another can spare it.
 *
 * @throws SplitError where a split that was asked for stays empty: too few places.
 * @throws UsageError where the shares do not add up to 1.
 */
export function splitByPlace(dataset: Dataset, { shares, seed, margin }: SplitOptions): Splits['splits'] {
  refuseShares(shares);
  const places = placesOf(dataset.records, margin);
  const rng = Rng.derive(seed, 'split');
  const dealt = rng.shuffle([...places]).sort((a, b) => b.pairs - a.pairs);
  const asked = SPLITS.filter((split) => shares[split] > 0);
  const total = dataset.records.length;
  const pairs: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  const splits: Splits['splits'] = { train: [], validation: [], test: [], unused: [] };
  for (const place of dealt) {
    const lack = (split: Split) => 1 - pairs[split] / (shares[split] * total);
    const neediest = asked.reduce((best, split) => {
      const difference = lack(split) - lack(best);
      return difference > 0 || (difference === 0 && shares[split] > shares[best]) ? split : best;
    });
    splits[neediest].push(...place.groups);
    pairs[neediest] += place.pairs;
  }
  spareForNegatives(dataset.records, places, splits);
  for (const split of SPLITS) splits[split].sort();
  const empty = asked.filter((split) => pairs[split] === 0);
  if (empty.length > 0) throw tooFewPlaces(dataset, places, asked.length, empty);
  return splits;
}

export interface Protocol {
  /** Names of places by split. */
  split: Readonly<Record<Split, readonly string[]>>;
  unused: readonly string[];
}

/**
 * A fixed split, of which the data set may hold a part. Places that it does not name are an error.
 *
 * @param file of the protocol, for messages.
 * @throws SplitError where a place of the data is in none of its lists, or a split is left empty.
 */
export function splitByProtocol(dataset: Dataset, { split, unused }: Protocol, file: string): Splits['splits'] {
  const present = new Set(dataset.records.map(({ group }) => group));
  const inData = (names: readonly string[]) => names.filter((name) => present.has(name)).sort();
  const splits = {
    train: inData(split.train),
    validation: inData(split.validation),
    test: inData(split.test),
    unused: inData(unused),
  };
  const named = new Set(Object.values(splits).flat());
  const left = [...present].filter((group) => !named.has(group)).sort();
  if (left.length > 0) {
    throw new SplitError({
      action: `split ${dataset.folder} by ${file}`,
      expected: 'every place of the data set in it',
      found: `${left.length} that are not, such as "${left[0]}"`,
      remedy: 'Add them to one of its lists, such as "unused".',
    });
  }
  const empty = SPLITS.filter((name) => split[name].length > 0 && splits[name].length === 0);
  if (empty.length > 0 || named.size === 0) {
    throw new SplitError({
      action: `split ${dataset.folder} by ${file}`,
      expected: `places of the data set in ${empty.join(' and ') || 'it'}`,
      found: `none of ${present.size}`,
      remedy: 'The names of its places are the groups of pairs.jsonl: is it the protocol of these data?',
    });
  }
  return splits;
}

interface Place {
  groups: string[];
  pairs: number;
}

/** Groups, those on common ground or with a common image joined. */
function placesOf(records: readonly PairRecord[], margin: number): Place[] {
  const groups = [...new Set(records.map(({ group }) => group))].sort();
  const numberOf = new Map(groups.map((group, i) => [group, i]));
  const groupOf = records.map(({ group }) => numberOf.get(group)!);
  const joined = new DisjointSets(groups.length);
  const index = new FootprintIndex(
    records.map(({ footprint }) => footprint),
    margin,
    'the pairs',
  );
  for (let i = 0; i < records.length; i++) {
    for (const j of index.near(i)) joined.join(groupOf[i]!, groupOf[j]!);
  }
  for (const [first, ...others] of recordsByImage(records)) {
    for (const other of others) joined.join(groupOf[first!]!, groupOf[other]!);
  }
  const places = new Map<number, Place>();
  groups.forEach((group, i) => {
    const root = joined.rootOf(i);
    const place = places.get(root) ?? { groups: [], pairs: 0 };
    place.groups.push(group);
    places.set(root, place);
  });
  for (const group of groupOf) places.get(joined.rootOf(group))!.pairs++;
  return [...places.values()];
}

/** Union-find. */
class DisjointSets {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_, i) => i);
  }

  rootOf(i: number): number {
    let root = i;
    while (this.parents[root] !== root) root = this.parents[root]!;
    for (let at = i; at !== root; ) {
      const next = this.parents[at]!;
      this.parents[at] = root; // path compression
      at = next;
    }
    return root;
  }

  join(i: number, j: number): void {
    const [a, b] = [this.rootOf(i), this.rootOf(j)];
    this.parents[Math.max(a, b)] = Math.min(a, b);
  }
}

/**
 * Splits that have no pairs of different ground, which training and evaluation need: none that the data set lists, and
 * no two records that are certainly far from each other.
 */
export function withoutNegatives(records: readonly PairRecord[], splits: Splits['splits']): Split[] {
  const guard = placeGuard(records);
  return SPLITS.filter((split) => {
    const indices = indicesOf(records, splits[split]);
    return indices.length > 0 && !hasNegatives(records, indices, guard);
  });
}

function indicesOf(records: readonly PairRecord[], groups: readonly string[]): number[] {
  const names = new Set(groups);
  return records.flatMap(({ group }, i) => (names.has(group) ? [i] : []));
}

function hasNegatives(records: readonly PairRecord[], indices: readonly number[], guard: PlaceGuard): boolean {
  if (indices.some((index) => records[index]!.label === 0)) return true;
  return indices.some((index) => {
    const near = guard.conflictsOf(index);
    return near.size < indices.length || indices.some((other) => !near.has(other));
  });
}

/**
 * Gives a split without negatives one more place, the smallest that another can spare; leaves all as it is where none
 * can.
 */
function spareForNegatives(records: readonly PairRecord[], places: readonly Place[], splits: Splits['splits']): void {
  const guard = placeGuard(records);
  const isFit = (groups: readonly string[]) => hasNegatives(records, indicesOf(records, groups), guard);
  const without = (groups: readonly string[], { groups: taken }: Place) =>
    groups.filter((each) => !taken.includes(each));
  for (const split of withoutNegatives(records, splits)) {
    const spare = [...places]
      .sort((a, b) => a.pairs - b.pairs)
      .flatMap((place) => {
        const from = SPLITS.find((other) => other !== split && splits[other].includes(place.groups[0]!));
        return from && isFit(without(splits[from], place)) && isFit([...splits[split], ...place.groups])
          ? [{ place, from }]
          : [];
      })
      .sort((a, b) => splits[b.from].length - splits[a.from].length || a.place.pairs - b.place.pairs)[0];
    if (!spare) continue;
    splits[spare.from] = without(splits[spare.from], spare.place);
    splits[split].push(...spare.place.groups);
  }
}

function refuseShares(shares: Shares): void {
  const sum = SPLITS.reduce((total, split) => total + shares[split], 0);
  const areShares = SPLITS.every((split) => shares[split] >= 0 && shares[split] <= 1);
  if (areShares && Math.abs(sum - 1) < 1e-6) return;
  throw new UsageError({
    action: 'split a data set',
    expected: 'shares from 0 to 1 that add up to 1',
    found: SPLITS.map((split) => `${split} ${shares[split]}`).join(', '),
  });
}

function tooFewPlaces(
  { folder, records }: Dataset,
  places: readonly Place[],
  needed: number,
  empty: readonly Split[],
): SplitError {
  const groups = places.reduce((sum, place) => sum + place.groups.length, 0);
  const joined = groups > places.length ? ` of ${groups} groups (${whyJoined(records, places)})` : '';
  return new SplitError({
    action: `split ${folder} by place`,
    expected: `${needed} places or more, one for each split`,
    found: `${places.length} place(s)${joined}, and nothing left for ${empty.join(' and ')}`,
    remedy: 'Import more places, ask for fewer splits (a share of 0), or let places be nearer (--margin 0).',
  });
}

/** Reason why groups are one place: an example of an image that they share, or else their ground. */
function whyJoined(records: readonly PairRecord[], places: readonly Place[]): string {
  for (const [first, ...others] of recordsByImage(records)) {
    const groups = [...new Set([first!, ...others].map((i) => records[i]!.group))];
    if (groups.length === 1) continue;
    const [a, b] = [records[first!]!, records[others[0]!]!];
    return `${shown(groups)} share ${a.sar === b.sar ? a.sar : a.optical}`;
  }
  return `${shown(places.find(({ groups }) => groups.length > 1)!.groups)} lie on common or near ground`;
}

const shown = (groups: readonly string[]) =>
  groups.length > 4 ? `${groups.slice(0, 3).join(', ')} and ${groups.length - 3} more` : groups.join(', ');
