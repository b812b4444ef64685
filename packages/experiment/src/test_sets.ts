/**
 * Test sets of every cell of an experiment: true pairs of the test split, and several negatives for each, from easy to
 * hard. The pairs follow from the data set and the settings alone, so that all arms are judged on the same ones.
 *
 * - `shuffled`: SAR patches of other ground at random
 * - `look-alikes`: the real SAR patches of other ground that look most alike (look_alikes.ts)
 * - `shift-4`, `shift-8`, …: the true SAR patch, shifted by 4, 8, … pixels (shifted_patches.ts)
 */

import { Rng, sha256 } from '@doppel/core/base';
import { type Dataset, placeGuard } from '@doppel/core/dataset';
import { drawTestPairs } from '@doppel/core/evaluation';
import { type Normalisation, PatchCache, type PatchSource, preparePatch } from '@doppel/core/prepare';

import type { ExperimentConfig } from './config.ts';
import { findLookAlikes } from './look_alikes.ts';
import { drawShift, neighbourFinder, type Shift, shiftPatch } from './shifted_patches.ts';

export interface TestSet {
  name: string;
  /** Position of the anchor among the true pairs, and the SAR patch by index into the sources of `patches`. */
  negatives: { of: number; sar: number }[];
}

export interface TestSets {
  /** Records of the true pairs. */
  positives: number[];
  places: string[];
  /** Place of each true pair, as an index into `places`. */
  placeOf: number[];
  sets: TestSet[];
  /** SHA-256 of all of the above: cells can be compared where it is the same. */
  fingerprint: string;
  /** Records of the data set, and behind them the shifted patches. */
  patches: PatchSource;
  /** Shifted patches whose edge is mirrored, as they have no neighbour. */
  mirrored: number;
}

const MAX_USES = 5;

/** @throws SplitError where the test split has no pair, or holds a made one. @throws PatchError where one cannot be used. */
export async function makeTestSets(
  dataset: Dataset,
  normalisation: Normalisation,
  settings: ExperimentConfig['evaluation'],
  signal?: AbortSignal,
): Promise<TestSets> {
  const { seed } = settings;
  const { records } = dataset;
  const guard = placeGuard(records);
  const all = dataset.indicesOf(settings.split).filter((index) => records[index]!.label === 1);
  const chosen = Rng.derive(seed, 'experiment test')
    .shuffle([...all])
    .slice(0, settings.positives);
  const { pairs } = drawTestPairs(
    records,
    chosen.sort((a, b) => a - b),
    guard,
    { seed, negativesPerPositive: 1 },
  );
  const positives = pairs.filter(({ label }) => label === 1).map(({ optical }) => optical);
  const positionOf = new Map(positives.map((record, i) => [record, i]));
  const cache = new PatchCache(dataset, normalisation);

  const shuffled = pairs
    .filter(({ label }) => label === 0)
    .map(({ sar, optical }) => ({ of: positionOf.get(optical)!, sar }));
  const candidates = Rng.derive(seed, 'experiment look-alikes')
    .shuffle([...all])
    .slice(0, settings.lookAlikes);
  const alike = await findLookAlikes({
    ...{ anchors: positives, candidates, patches: cache, side: normalisation.side, guard, maxUses: MAX_USES, signal },
  });
  const find = neighbourFinder(records, normalisation.side);
  const shifts = positives.map((record) => drawShift(record, find, Rng.derive(seed, 'experiment shift', record)));
  const shifted = new ShiftedSource(dataset, normalisation, positives, shifts, settings.shifts);
  const sets: TestSet[] = [
    { name: 'shuffled', negatives: shuffled },
    { name: 'look-alikes', negatives: alike.map(([anchor, sar]) => ({ of: positionOf.get(anchor)!, sar })) },
    ...settings.shifts.map((pixels, i) => ({
      name: `shift-${pixels}`,
      negatives: positives.map((_, of) => ({ of, sar: shifted.indexOf(of, i) })),
    })),
  ].filter(({ negatives }) => negatives.length > 0);
  const groups = positives.map((record) => records[record]!.group);
  const places = [...new Set(groups)];
  const identity = JSON.stringify({
    positives: positives.map((record) => records[record]!.id),
    sets,
    shifts,
    data: dataset.fingerprint,
  });
  return {
    ...{ positives, places, sets },
    placeOf: groups.map((group) => places.indexOf(group)),
    fingerprint: await sha256(new TextEncoder().encode(identity)),
    patches: {
      sar: (index) => (index < records.length ? cache.sar(index) : shifted.patch(index)),
      optical: (index) => cache.optical(index),
    },
    mirrored: shifts.filter(({ neighbour }) => neighbour === undefined).length,
  };
}

/** Shifted patches by an index behind the records, prepared once. */
class ShiftedSource {
  private readonly dataset: Dataset;
  private readonly normalisation: Normalisation;
  private readonly positives: readonly number[];
  private readonly shifts: readonly Shift[];
  private readonly pixels: readonly number[];
  private readonly kept = new Map<number, Promise<Float32Array>>();

  constructor(
    dataset: Dataset,
    normalisation: Normalisation,
    positives: readonly number[],
    shifts: readonly Shift[],
    pixels: readonly number[],
  ) {
    this.dataset = dataset;
    this.normalisation = normalisation;
    this.positives = positives;
    this.shifts = shifts;
    this.pixels = pixels;
  }

  /** @param of a true pair. @param i which of the shifts. */
  indexOf(of: number, i: number): number {
    return this.dataset.records.length + i * this.positives.length + of;
  }

  patch(index: number): Promise<Float32Array> {
    const kept = this.kept.get(index) ?? this.prepare(index - this.dataset.records.length);
    this.kept.set(index, kept);
    return kept;
  }

  private async prepare(position: number): Promise<Float32Array> {
    const of = position % this.positives.length;
    const pixels = this.pixels[Math.floor(position / this.positives.length)]!;
    const { direction, neighbour } = this.shifts[of]!;
    const record = this.positives[of]!;
    const patch = await this.dataset.readSar(record);
    const beside = neighbour === undefined ? undefined : await this.dataset.readSar(neighbour);
    const where = `${this.dataset.records[record]!.sar}, shifted by ${pixels} pixels`;
    return preparePatch(shiftPatch(patch, beside, direction, pixels), 'sar', this.normalisation, where);
  }
}
