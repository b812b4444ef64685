/**
 * Real patches to compare generated ones with. Four sets of equal size, since with fewer patches every distance is
 * larger by chance:
 *
 * - `training` and `others`: patches that the generator learned from, at random, no patch in both
 * - `heldOutA` and `heldOutB`: patches of places that it never saw, no place in both
 */

import { Rng } from '../../base/random.ts';
import type { PairRecord } from '../../dataset/dataset.ts';
import { SplitError } from '../../errors.ts';

export interface RealSets {
  training: number[];
  others: number[];
  heldOutA: number[];
  heldOutB: number[];
  /** Places of the two held-out sets. */
  places: { a: string[]; b: string[] };
  /** All training records to search for copies, each patch once. */
  learned: number[];
  warnings: string[];
}

type Drawable = Pick<PairRecord, 'sar' | 'group' | 'provenance'>;

/** Set size below which a warning says that the figures are coarse. */
const FEW = 200;

/**
 * The same sets for the same seed.
 *
 * @param count patches wanted in each set. @param train, heldOut records of the splits.
 * @throws SplitError where there are too few patches for sets of two, or made ones among them.
 */
export function drawRealSets(
  records: readonly Drawable[],
  {
    train,
    heldOut,
    count,
    seed,
  }: { train: readonly number[]; heldOut: readonly number[]; count: number; seed: number },
): RealSets {
  const warnings: string[] = [];
  const learned = realOnce(records, train);
  const halves = halvesByPlace(records, realOnce(records, heldOut), seed);
  if (halves.places.a.length === 0 || halves.places.b.length === 0) {
    warnings.push('The held-out patches are of one place: real stands beside real of the same place.');
  }
  const size = Math.min(count, halves.a.length, halves.b.length, Math.floor(learned.length / 2));
  if (size < 2) throw tooFew(learned.length, halves.a.length + halves.b.length);
  if (size < count) {
    warnings.push(
      `Sets of ${size} patches each instead of ${count}: there are ${learned.length} training patches for two of them, and ${halves.a.length} and ${halves.b.length} held-out ones in the halves.`,
    );
  }
  if (size < FEW) warnings.push(`Sets of ${size} patches are small: chance is a large part of every distance.`);
  const shuffled = (items: readonly number[], label: string) =>
    Rng.derive(seed, 'real sets', label).shuffle([...items]);
  const dealt = shuffled(learned, 'training');
  return {
    ...{ learned, warnings, places: halves.places },
    training: dealt.slice(0, size),
    others: dealt.slice(size, 2 * size),
    heldOutA: shuffled(halves.a, 'a').slice(0, size),
    heldOutB: shuffled(halves.b, 'b').slice(0, size),
  };
}

/** Every SAR file once, whatever pairs it is in. */
function realOnce(records: readonly Drawable[], indices: readonly number[]): number[] {
  const seen = new Set<string>();
  return indices.filter((index) => {
    const { sar, provenance } = records[index]!;
    if (provenance === 'generated') throw madePatch(sar);
    return !seen.has(sar) && seen.add(sar);
  });
}

/** Whole places, the largest first, each to the half that has fewer patches; equal ones as the seed has it. */
function halvesByPlace(records: readonly Drawable[], indices: readonly number[], seed: number) {
  const byPlace = new Map<string, number[]>();
  for (const index of indices) {
    const { group } = records[index]!;
    byPlace.set(group, [...(byPlace.get(group) ?? []), index]);
  }
  if (byPlace.size === 1) {
    const dealt = Rng.derive(seed, 'real sets', 'one place').shuffle([...indices]);
    const middle = Math.floor(dealt.length / 2);
    return { a: dealt.slice(0, middle), b: dealt.slice(middle), places: { a: [...byPlace.keys()], b: [] } };
  }
  const order = Rng.derive(seed, 'real sets', 'places').shuffle([...byPlace.entries()]);
  order.sort(([, a], [, b]) => b.length - a.length);
  const halves = { a: [] as number[], b: [] as number[], places: { a: [] as string[], b: [] as string[] } };
  for (const [place, members] of order) {
    const half = halves.a.length <= halves.b.length ? 'a' : 'b';
    halves[half].push(...members);
    halves.places[half].push(place);
  }
  return halves;
}

const madePatch = (file: string) =>
  new SplitError({
    action: 'compare with real patches',
    expected: 'real patches only',
    found: `the made patch ${file}`,
    remedy: 'Use a data set of real patches.',
  });

const tooFew = (train: number, heldOut: number) =>
  new SplitError({
    action: 'measure the quality of a generator',
    expected: 'at least 4 training and 4 held-out patches',
    found: `${train} and ${heldOut}`,
    remedy: 'Import more data, or split it again by `doppel data split`.',
  });
