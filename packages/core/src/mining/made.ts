/** Shared part of strategies that generate patches: the generator, generated patches with scores, and their list. */
import type * as tf from '@tensorflow/tfjs-core';
import { SplitError, UsageError } from '../errors.ts';
import { Donors } from '../generator/donors.ts';
import type { LatentGenerator, Latents } from '../generator/latent.ts';
import { decodeFor, type Encoded, type Maker } from '../generator/make_patches.ts';
import type { Match } from '../generator/match_histogram.ts';
import { type MoveRule, movedCodes, needsDonor } from '../generator/moves.ts';
import { changedShare, patchDistance } from '../generator/patch_distance.ts';
import { type PatchStack, stackOf } from '../generator/patch_stack.ts';
import { type Edit, hasGrain, remakerOf } from '../generator/remake.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import type { Raster } from '../raster/raster.ts';
import type { MadeHeader, MadeNegative, MinedNegative, Negative } from './negatives.ts';
import { scoreMade } from './pair_scores.ts';
import { anchorsOf } from './plan.ts';
import type { Bench, Watch } from './strategy.ts';

/** @throws UsageError if the bench has none. */
export function generatorOf({ generator }: Bench, strategy: string): LatentGenerator {
  if (generator) return generator;
  throw new UsageError({
    action: `mine by the strategy ${strategy}`,
    expected: 'a generator: the checkpoint of one, by --generator',
    found: 'none',
    remedy: 'Train one by `doppel generator train`.',
  });
}

/** Reader of the samples of SAR patches as their files hold them. @throws UsageError if the data set has none. */
export function sarReader({ dataset }: Bench, strategy: string): (record: number) => Promise<Raster> {
  if (dataset.readSar) return dataset.readSar;
  throw new UsageError({
    action: `mine by the strategy ${strategy}`,
    expected: 'a data set with its SAR patches',
    found: 'a list of pairs',
  });
}

/** @throws UsageError if the generator cannot edit by ratio. */
export function makerOf(
  generator: LatentGenerator,
  { match, edit = 'whole' }: { match: Match; edit?: Edit },
  bench: Bench,
  { signal }: Watch,
): Maker {
  if (edit !== 'whole') requireGrain(generator, `edit ${edit}`);
  return {
    ...{ generator, match, edit, signal, remaker: remakerOf(generator, bench.dataset, bench.seed) },
    normalisation: bench.model.normalisation,
    patches: bench.patches,
  };
}

function requireGrain(generator: LatentGenerator, what: string): void {
  if (hasGrain(generator)) return;
  throw new UsageError({
    action: `make patches by ${what}`,
    expected: 'a generator that decodes the ground without speckle',
    found: 'one that decodes whole patches',
    remedy: 'Train one by `doppel generator train DATASET --preset spatial`.',
  });
}

/** Moves codes of the records of a batch by a rule; towards look-alikes of other ground where the rule needs donors. */
export class CodeMover {
  private readonly maker: Maker;
  private readonly bench: Bench;
  private readonly rule: MoveRule;
  private donors: Donors | undefined;

  constructor(rule: MoveRule, maker: Maker, bench: Bench) {
    this.maker = maker;
    this.bench = bench;
    this.rule = rule;
    if (needsDonor(rule)) requireGrain(maker.generator, `the rule ${rule}`);
  }

  /** [records, latent], which the caller disposes of. */
  move(latents: Latents, records: readonly number[], strength: number, draw: number): Promise<tf.Tensor2D> {
    const { rule, maker, bench } = this;
    const drawn = { seed: bench.seed, draw, cells: maker.generator.info.cells };
    return movedCodes(latents, records, { rule, strength }, drawn, (record, own) => this.donorOf(record, own, draw));
  }

  private async donorOf(record: number, own: Float32Array, draw: number): Promise<Float32Array> {
    const { dataset, guard, seed, split } = this.bench;
    const { remaker } = this.maker;
    this.donors ??= new Donors({
      ...{ records: anchorsOf(dataset, split), guard, seed },
      describe: (some) => remaker!.codes(some),
    });
    const donor = await this.donors.of(record, own, draw);
    if (!donor) throw noDonor(dataset.records[record]!.id);
    return donor.description;
  }
}

/** Error where the guard leaves no donor. */
export const noDonor = (id: string) =>
  new SplitError({
    action: `find a donor of other ground for the pair ${id}`,
    expected: 'a training pair of another place',
    found: 'none',
    remedy: 'Import more places, or lower --guard-margin.',
  });

export interface MadePatch {
  patch: Float32Array;
  /** The matcher's probability that it matches the optical patch of its source. */
  probability: number;
  /** Distance from its source, and the share of it that was changed. */
  distance: number;
  changed: number;
}

/** Decodes latent vectors of records, and scores the patches. @param z [records, latent]; disposed of by the caller. */
export async function makePatches(
  maker: Maker,
  z: tf.Tensor2D,
  records: readonly number[],
  bench: Bench,
  watch: Watch,
  { encoded, draw }: { encoded: Encoded; draw: number },
): Promise<MadePatch[]> {
  return scored(await decodeFor(maker, z, records, encoded, draw), records, bench, watch);
}

/** Scores made patches of records. */
export async function scored(
  made: readonly Float32Array[],
  records: readonly number[],
  bench: Bench,
  watch: Watch,
): Promise<MadePatch[]> {
  const pairs = made.map((patch, i) => ({ optical: records[i]!, patch }));
  const scores = await scoreMade(pairs, bench, { signal: watch.signal });
  const { model, patches } = bench;
  return Promise.all(
    pairs.map(async ({ optical, patch }, i) => {
      const source = await patches.sar(optical);
      return {
        patch,
        probability: probabilityOf(scores[i]!, model.info.calibration),
        distance: patchDistance(patch, source, model.info.side),
        changed: changedShare(patch, source, model.info.side),
      };
    }),
  );
}

/** Collects negatives in the form of their file. */
export class MadeList {
  readonly negatives: Negative[] = [];
  private readonly patches: Float32Array[] = [];

  addReal(negative: MinedNegative): void {
    this.negatives.push(negative);
  }

  /** @param scores `score` is the probability too. */
  addMade(patch: Float32Array, negative: Omit<MadeNegative, 'patch' | 'provenance' | 'score'>): void {
    const { optical, label, positiveScore, ...rest } = negative;
    const row = this.patches.push(patch) - 1;
    this.negatives.push({
      ...{ optical, patch: row, label, provenance: 'generated' },
      ...{ score: negative.probability, positiveScore, ...rest },
    });
  }

  stack(side: number): PatchStack {
    return stackOf(this.patches, side);
  }

  /** @param settings other than k and match. */
  header(
    strategy: string,
    { dataset, model, generator, seed }: Bench,
    { k, match, ...settings }: { k: number; match: Match } & MadeHeader['settings'],
  ): MadeHeader {
    const { side, sar } = model.normalisation;
    return {
      doppel: 'negatives',
      version: 1,
      strategy,
      split: 'train',
      scale: 'probability',
      dataFingerprint: dataset.fingerprint,
      modelFingerprint: model.info.fingerprint,
      generatorFingerprint: generator?.info.fingerprint ?? null,
      patches: { count: this.patches.length, fingerprint: '' },
      preparation: { side, sar },
      ...{ seed, k, match, settings },
    };
  }
}
