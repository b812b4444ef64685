/** Shared part of strategies that generate patches: the generator, generated patches with scores, and their list. */
import type * as tf from '@tensorflow/tfjs-core';
import { UsageError } from '../errors.ts';
import type { LatentGenerator } from '../generator/latent.ts';
import { decodeFor, type Maker } from '../generator/make_patches.ts';
import type { Match } from '../generator/match_histogram.ts';
import { patchDistance } from '../generator/patch_distance.ts';
import { type PatchStack, stackOf } from '../generator/patch_stack.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import type { MadeHeader, MadeNegative, MinedNegative, Negative } from './negatives.ts';
import { scoreMade } from './pair_scores.ts';
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

export const makerOf = (generator: LatentGenerator, match: Match, bench: Bench, { signal }: Watch): Maker => ({
  ...{ generator, match, signal },
  normalisation: bench.model.normalisation,
  patches: bench.patches,
});

export interface MadePatch {
  patch: Float32Array;
  /** The matcher's probability that it matches the optical patch of its source. */
  probability: number;
  /** Distance from its source. */
  distance: number;
}

/** Decodes latent vectors of records, and scores the patches. @param z [records, latent]; disposed of by the caller. */
export async function makePatches(
  maker: Maker,
  z: tf.Tensor2D,
  records: readonly number[],
  bench: Bench,
  watch: Watch,
): Promise<MadePatch[]> {
  const made = await decodeFor(maker, z, records);
  const pairs = made.map((patch, i) => ({ optical: records[i]!, patch }));
  const scores = await scoreMade(pairs, bench, { signal: watch.signal });
  const { model, patches } = bench;
  return Promise.all(
    pairs.map(async ({ optical, patch }, i) => ({
      patch,
      probability: probabilityOf(scores[i]!, model.info.calibration),
      distance: patchDistance(patch, await patches.sar(optical), model.info.side),
    })),
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
