/**
 * Draws the pairs of each training step. They follow from seed and step alone, so that a run resumes at any step
 * without replaying earlier ones.
 *
 * A batch is built around anchors, true pairs of the training split. Negatives are of four kinds:
 * - shuffled: an anchor's optical patch with the SAR patch of another anchor of the batch, other ground by the guard.
 *   No patch is added, so these negatives cost almost nothing, and a SAR patch is a positive as often as a negative.
 *   They are hard where some of the anchors look alike (`alike`).
 * - mined: an anchor's optical patch with a SAR patch that mining chose for it
 * - generated: an anchor's optical patch with a SAR patch that was made from its own
 * - listed: pairs that the data set itself labels 0
 */

import { Rng } from '../../base/random.ts';
import type { PairReference } from '../../dataset/patch_pair.ts';
import type { PlaceGuard } from '../../dataset/place_guard.ts';
import { SplitError } from '../../errors.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { deck } from '../../runs/deck.ts';

export interface SamplerOptions {
  seed: number;
  /** Pairs in a batch. */
  positives: number;
  negatives: number;
  /** Anchors of a batch that look like its first one, or lie in its place; default: none. */
  alike?: AlikeAnchors | undefined;
}

/** Anchors that hard batches are made of. */
export interface AlikeAnchors {
  /** Anchors of a batch that go together, the first one included. */
  count: number;
  /** Others to choose from, by anchor. */
  of: ReadonlyMap<number, readonly number[]>;
}

export interface TrainingPairs {
  /** Records of the true pairs of the training split. */
  anchors: readonly number[];
  /** Records that the data set labels 0. */
  listed: readonly number[];
  guard: PlaceGuard;
}

/** Hard negatives by the record of their optical patch. */
export interface HardNegatives {
  /** SAR records. */
  mined: ReadonlyMap<number, readonly number[]>;
  /** Made patches: rows of their stack. */
  generated?: ReadonlyMap<number, readonly number[]> | undefined;
  /** Made patches that may stand for the record's true SAR patch. */
  reconstructed?: ReadonlyMap<number, readonly number[]> | undefined;
}

/** Shares of a batch's negatives, in [0, 1]; the rest is shuffled. */
export interface Shares {
  mined: number;
  generated?: number;
  listed: number;
}

/** Patch of a batch. Patches of one batch with the same `geometry` are flipped, turned and shifted alike. */
export interface PatchDraw {
  record: number;
  geometry: number;
  /** Row of the made patches; absent for the patch of the record itself. */
  made?: number;
}

export interface StepPlan {
  sar: PatchDraw[];
  optical: PatchDraw[];
  /** Rows of `sar` and `optical`; positives first. */
  pairing: Pairing;
  labels: (0 | 1)[];
}

export interface Sampler {
  /** @param step from 0. */
  plan(step: number, negatives: HardNegatives, shares: Shares): StepPlan;
}

/** Mined negatives by the record of their optical patch. */
export function byAnchor(negatives: readonly Pick<PairReference, 'sar' | 'optical'>[]): Map<number, number[]> {
  const map = new Map<number, number[]>();
  for (const { sar, optical } of negatives) map.set(optical, [...(map.get(optical) ?? []), sar]);
  return map;
}

/** Rows of made patches by the record that they go with. */
export function madeByAnchor(made: readonly { optical: number; patch: number }[]): Map<number, number[]> {
  return byAnchor(made.map(({ optical, patch }) => ({ optical, sar: patch })));
}

/** @throws SplitError where there are no two true pairs of different ground. */
export function createSampler(pairs: TrainingPairs, options: SamplerOptions): Sampler {
  const { anchors, listed } = pairs;
  if (anchors.length < 2) {
    throw new SplitError({
      action: 'train',
      expected: 'at least two positive pairs in the training split',
      found: String(anchors.length),
      remedy: 'Import more pairs, or split the data set again by `doppel data split`.',
    });
  }
  const dealt = anchorsOf(anchors, options);
  const listedDeck = deck(listed, options.seed, 'listed negatives');
  return {
    plan(step, { mined, generated, reconstructed }, shares) {
      const rng = Rng.derive(options.seed, 'batch', step);
      const batch = new BatchBuilder(dealt(step));
      const count = (share: number) => wholePart(options.negatives * share, rng);
      const wanted = listed.length === 0 ? 0 : count(shares.listed);
      // The number of earlier listed pairs is unknown if the share changes by epoch: each step draws independently.
      for (const record of listedDeck(step * options.negatives, wanted)) batch.addListed(record);
      const found = addMined(batch, mined, Math.min(count(shares.mined), options.negatives - wanted), rng);
      const room = options.negatives - wanted - found;
      const made = generated ? addGenerated(batch, generated, count(shares.generated ?? 0), room, rng) : 0;
      addShuffled(batch, pairs, room - made, rng);
      if (reconstructed && made > 0) {
        const equal = wholePart((options.positives * made) / options.negatives, rng);
        reconstruct(batch, reconstructed, equal, rng);
      }
      return batch.plan();
    },
  };
}

/** Anchors of a step: dealt in turns, or a part of them chosen for being alike. */
function anchorsOf(
  anchors: readonly number[],
  { seed, positives, alike }: Pick<SamplerOptions, 'seed' | 'positives' | 'alike'>,
): (step: number) => number[] {
  const deal = deck(anchors, seed, 'anchors');
  return (step) => {
    const dealt = deal(step * positives, positives);
    return alike ? gathered(dealt, alike, Rng.derive(seed, 'alike', step)) : dealt;
  };
}

/** Anchors that are like the first one, and of the others as many as there is room for. */
function gathered(dealt: readonly number[], alike: AlikeAnchors, rng: Rng): number[] {
  const chosen = new Set(alikeTo(dealt[0]!, alike, rng).slice(0, dealt.length));
  for (const anchor of dealt) if (chosen.size < dealt.length) chosen.add(anchor);
  return [...chosen];
}

/** An anchor and others that are like it. */
export const alikeTo = (anchor: number, { count, of }: AlikeAnchors, rng: Rng): number[] => [
  anchor,
  ...rng.shuffle([...(of.get(anchor) ?? [])]).slice(0, Math.max(0, count - 1)),
];

/**
 * Anchors that a run meets from one step to before another, ascending: negatives of others would never be used.
 *
 * @param anchors and options as the run's sampler has them.
 */
export function anchorsMet(
  anchors: readonly number[],
  options: Pick<SamplerOptions, 'seed' | 'positives' | 'alike'>,
  from: number,
  to: number,
): number[] {
  const dealt = anchorsOf(anchors, options);
  const met = new Set<number>();
  for (let step = from; step < to && met.size < anchors.length; step++) {
    for (const anchor of dealt(step)) met.add(anchor);
  }
  return [...met].sort((a, b) => a - b);
}

/** 2.3 → 2, or 3 in three of ten cases. */
export const wholePart = (value: number, rng: Rng) => Math.floor(value) + (rng.float() < value % 1 ? 1 : 0);

class BatchBuilder {
  readonly anchors: readonly number[];
  private readonly sar: PatchDraw[];
  private readonly optical: PatchDraw[];
  private readonly pairs: { sar: number; optical: number; label: 0 | 1 }[];

  constructor(anchors: readonly number[]) {
    this.anchors = anchors;
    this.sar = anchors.map((record, geometry) => ({ record, geometry }));
    this.optical = anchors.map((record, geometry) => ({ record, geometry }));
    this.pairs = anchors.map((_, row) => ({ sar: row, optical: row, label: 1 }));
  }

  /** The optical patch of an anchor with the SAR patch of another. */
  addShuffled(opticalRow: number, sarRow: number): void {
    this.pairs.push({ sar: sarRow, optical: opticalRow, label: 0 });
  }

  /** The optical patch of an anchor with a SAR patch from elsewhere. */
  addSar(opticalRow: number, record: number): void {
    this.sar.push({ record, geometry: this.nextGeometry() });
    this.pairs.push({ sar: this.sar.length - 1, optical: opticalRow, label: 0 });
  }

  addListed(record: number): void {
    const geometry = this.nextGeometry();
    this.sar.push({ record, geometry });
    this.optical.push({ record, geometry });
    this.pairs.push({ sar: this.sar.length - 1, optical: this.optical.length - 1, label: 0 });
  }

  /** The optical patch of an anchor with a made SAR patch, moved alike: it shows the anchor's ground, changed. */
  addMade(opticalRow: number, made: number): void {
    this.pairs.push({ sar: this.pushMade(opticalRow, made), optical: opticalRow, label: 0 });
  }

  /** @param row of the anchor, whose positive is the pair of the same number. */
  replacePositive(row: number, made: number): void {
    this.pairs[row]!.sar = this.pushMade(row, made);
  }

  private pushMade(opticalRow: number, made: number): number {
    const { record, geometry } = this.optical[opticalRow]!;
    return this.sar.push({ record, geometry, made }) - 1;
  }

  plan(): StepPlan {
    const { sar, optical, pairs } = this;
    return {
      ...{ sar, optical },
      pairing: { sar: pairs.map((pair) => pair.sar), optical: pairs.map((pair) => pair.optical) },
      labels: pairs.map(({ label }) => label),
    };
  }

  /** Geometry of an added patch or pair, unique in the batch. */
  private nextGeometry(): number {
    return this.sar.length + this.optical.length;
  }
}

/** Adds a mined negative for each of the batch's anchors that have any, up to a number. @returns how many. */
function addMined(batch: BatchBuilder, mined: HardNegatives['mined'], wanted: number, rng: Rng): number {
  const rows = batch.anchors.flatMap((anchor, row) => (mined.has(anchor) ? [row] : []));
  const chosen = rng.shuffle(rows).slice(0, wanted);
  for (const row of chosen) batch.addSar(row, rng.pick(mined.get(batch.anchors[row]!)!));
  return chosen.length;
}

/** Adds a made negative for each of the batch's anchors that have any, up to a number. @returns how many. */
function addGenerated(
  batch: BatchBuilder,
  generated: ReadonlyMap<number, readonly number[]>,
  wanted: number,
  room: number,
  rng: Rng,
): number {
  const rows = batch.anchors.flatMap((anchor, row) => (generated.has(anchor) ? [row] : []));
  const chosen = rng.shuffle(rows).slice(0, Math.min(wanted, room));
  for (const row of chosen) batch.addMade(row, rng.pick(generated.get(batch.anchors[row]!)!));
  return chosen.length;
}

/** Replaces true SAR patches of positives by reconstructions, up to a number; shuffled negatives keep the true ones. */
function reconstruct(
  batch: BatchBuilder,
  reconstructed: ReadonlyMap<number, readonly number[]>,
  wanted: number,
  rng: Rng,
): void {
  const rows = batch.anchors.flatMap((anchor, row) => (reconstructed.has(anchor) ? [row] : []));
  for (const row of rng.shuffle(rows).slice(0, wanted)) {
    batch.replacePositive(row, rng.pick(reconstructed.get(batch.anchors[row]!)!));
  }
}

/**
 * Deals the batch's SAR patches out among its optical patches, each pair once, in rounds in which every SAR patch is
 * wrong once. Where the guard leaves too few such pairs, patches from the whole split are added.
 */
function addShuffled(batch: BatchBuilder, pairs: TrainingPairs, wanted: number, rng: Rng): void {
  const { anchors } = batch;
  const allowed = rounds(anchors.length, rng).filter(([optical, sar]) =>
    isNegative(anchors[sar]!, anchors[optical]!, pairs.guard),
  );
  for (const [optical, sar] of allowed.slice(0, wanted)) batch.addShuffled(optical, sar);
  for (let missing = wanted - allowed.length; missing > 0; missing--) {
    const row = rng.int(anchors.length);
    batch.addSar(row, anywhere(anchors[row]!, pairs, rng));
  }
}

/** All pairs of two different rows: n − 1 rounds, in each of which every row is first once and second once. */
function rounds(n: number, rng: Rng): [number, number][] {
  const order = rng.shuffle(Array.from({ length: n }, (_, i) => i));
  const shifts = rng.shuffle(Array.from({ length: n - 1 }, (_, i) => i + 1));
  return shifts.flatMap((shift) =>
    rng.shuffle(order.map((row, i): [number, number] => [row, order[(i + shift) % n]!])),
  );
}

/** True unless the patch is the anchor's own or the guard excludes its ground. */
const isNegative = (sar: number, anchor: number, guard: PlaceGuard) => sar !== anchor && !guard.conflict(sar, anchor);

/** SAR record of other ground than an anchor's, from the whole split. */
function anywhere(anchor: number, { anchors, guard }: TrainingPairs, rng: Rng): number {
  const start = rng.int(anchors.length);
  for (let i = 0; i < anchors.length; i++) {
    const record = anchors[(start + i) % anchors.length]!;
    if (isNegative(record, anchor, guard)) return record;
  }
  throw new SplitError({
    action: 'draw a shuffled negative',
    expected: 'a SAR patch of other ground in the training split',
    found: `only patches that overlap or neighbour record ${anchor}, or share its place`,
    remedy: 'Train on pairs of several places.',
  });
}
