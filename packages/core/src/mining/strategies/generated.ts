/**
 * `--strategy generated`: for each anchor a SAR patch that looks like its own and is not, made by the generator. The true
 * patch is encoded, moved in latent space (mining/latent.ts) and decoded; what comes out is the negative of the anchor's
 * optical patch. The matcher's score is noted, nothing is chosen by it: that is what `adaptive` does.
 */
import * as tf from '@tensorflow/tfjs-core';
import { QuantileSketch, type Quantiles } from '../../base/quantiles.ts';
import { UsageError } from '../../errors.ts';
import { isRandom, type LatentGenerator, type LatentRule, latentNoise, moveLatents } from '../../generator/latent.ts';
import type { PatchStack } from '../../generator/made_patches.ts';
import {
  checkGenerator,
  decodeFor,
  forEachEncoded,
  type MadeFrom,
  type MakerTask,
} from '../../generator/make_patches.ts';
import type { Match } from '../../generator/match_histogram.ts';
import { patchDistance } from '../../generator/patch_distance.ts';
import { probabilityOf } from '../../matcher/calibration.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { scoreReferences } from '../blocks/block_scores.ts';
import { refuseNonFinite } from '../blocks/scored_blocks.ts';
import { anchorsOf } from '../made_anchors.ts';
import type { MadeHeader, MadeNegative } from '../made_file.ts';
import { scoreMade } from '../made_scores.ts';
import type { MinableRecord } from '../plan.ts';
import type { MiningModel } from '../ranked.ts';

export interface GeneratedTask {
  dataset: MadeFrom & { records: readonly (MinableRecord & { group: string })[] };
  model: Omit<MiningModel, 'normalisation'> & { normalisation: Normalisation };
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  generator: LatentGenerator;
  rule: LatentRule;
  /** k of the rule. */
  strength: number;
  /** Patches for each anchor. */
  k: number;
  match: Match;
  /** Also make G(E(x)) for each anchor, to be a positive in training. */
  reconstructions: boolean;
  seed: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((anchors: number, total: number) => void) | undefined;
}

export interface GeneratedReport {
  negatives: number;
  reconstructions: number;
  anchors: number;
  quantiles: {
    /** The matcher's probability of a match: of the true pairs, the made negatives and the reconstructions. */
    positives?: Quantiles | undefined;
    negatives?: Quantiles | undefined;
    reconstructions?: Quantiles | undefined;
    /** Of the made patches from the true ones; see patch_distance.ts. */
    distances?: Quantiles | undefined;
  };
  seconds: number;
  warnings: string[];
}

export interface GeneratedResult {
  header: MadeHeader;
  negatives: MadeNegative[];
  patches: PatchStack;
  report: GeneratedReport;
}

export const GENERATED_DEFAULTS = { rule: 'sigma', strength: 1, k: 1, match: 'none', seed: 1 } as const;

/**
 * @throws UsageError where the settings cannot be meant, or the generator does not fit the matcher.
 * @throws SplitError where the train split has no real pair, or the generator saw what is tested on.
 * @throws NonFiniteError where patches or scores are not finite. @throws the signal's reason when it is aborted.
 */
export async function mineGenerated(task: GeneratedTask): Promise<GeneratedResult> {
  const start = performance.now();
  checkSettings(task);
  const { dataset, model, generator, patches, signal } = task;
  const warnings = checkGenerator(generator, model.normalisation, dataset);
  const anchors = anchorsOf(dataset);
  const maker: MakerTask = { generator, normalisation: model.normalisation, patches, match: task.match, signal };
  const scoring = { scorer: model.scorer, shape: model.shape, patches, signal };
  const side = model.shape.side;
  const perAnchor = task.k + (task.reconstructions ? 1 : 0);
  const stack: PatchStack = { data: new Float32Array(anchors.length * perAnchor * side * side), side, count: 0 };
  const negatives: MadeNegative[] = [];
  await forEachEncoded(maker, anchors, async (latents, batch, first) => {
    const positives = await scoreReferences(
      batch.map((anchor) => ({ sar: anchor, optical: anchor })),
      scoring,
    );
    refuseNonFinite(positives);
    for (let draw = 0; draw < perAnchor; draw++) {
      const isReconstruction = draw === task.k;
      const z = isReconstruction ? tf.clone(latents.mu) : moved(latents, batch, draw, task);
      const made = await decodeFor(maker, z, batch);
      z.dispose();
      const scores = await scoreMade(
        batch.map((optical, i) => ({ optical, patch: made[i]! })),
        scoring,
      );
      for (const [i, anchor] of batch.entries()) {
        stack.data.set(made[i]!, stack.count * side * side);
        const probability = probabilityOf(scores[i]!, model);
        negatives.push({
          optical: anchor,
          patch: stack.count++,
          label: isReconstruction ? 1 : 0,
          provenance: 'generated',
          score: probability,
          positiveScore: probabilityOf(positives[i]!, model),
          probability,
          rank: isReconstruction ? 0 : draw,
          distance: patchDistance(made[i]!, await patches.sar(anchor), side),
          reason: isReconstruction ? 'reconstruction' : `generated: ${task.rule}, strength ${task.strength}`,
        });
      }
    }
    task.onProgress?.(first + batch.length, anchors.length);
  });
  return {
    header: headerOf(task, stack.count),
    negatives,
    patches: stack,
    report: reportOf(negatives, anchors.length, (performance.now() - start) / 1000, warnings),
  };
}

function moved(
  latents: { mu: tf.Tensor2D; logvar: tf.Tensor2D },
  batch: readonly number[],
  draw: number,
  { generator, rule, strength, seed }: GeneratedTask,
): tf.Tensor2D {
  const { latent } = generator.info;
  return tf.tidy(() => {
    const eps = tf.tensor2d(latentNoise(batch, draw, latent, seed), [batch.length, latent]);
    return moveLatents(latents, rule, strength, eps);
  });
}

function checkSettings({ rule, strength, k }: GeneratedTask): void {
  const refuse = (expected: string, found: string, remedy: string): never => {
    throw new UsageError({ action: 'mine by the strategy generated', expected, found, remedy });
  };
  if (!(strength > 0)) refuse('--strength above 0', `${strength}`, 'At 0 the negative would be the reconstruction.');
  if (k > 1 && !isRandom(rule)) {
    refuse('--k 1 with --rule sigma', `--k ${k}`, 'That rule moves a patch one way only; take --rule sample.');
  }
}

function headerOf(task: GeneratedTask, count: number): MadeHeader {
  const { dataset, model, generator, seed, k, match, rule, strength } = task;
  const { side, sar } = model.normalisation;
  return {
    doppel: 'negatives',
    version: 1,
    strategy: 'generated',
    split: 'train',
    scale: 'probability',
    dataFingerprint: dataset.fingerprint,
    modelFingerprint: model.fingerprint,
    generatorFingerprint: generator.info.fingerprint,
    patches: { count, fingerprint: '' },
    preparation: { side, sar },
    ...{ seed, k, match },
    settings: { rule, strength },
  };
}

function reportOf(
  made: readonly MadeNegative[],
  anchors: number,
  seconds: number,
  warnings: string[],
): GeneratedReport {
  const negatives = made.filter(({ label }) => label === 0);
  const reconstructions = made.filter(({ label }) => label === 1);
  return {
    negatives: negatives.length,
    reconstructions: reconstructions.length,
    anchors,
    quantiles: {
      positives: summaryOf(negatives.filter(({ rank }) => rank === 0).map(({ positiveScore }) => positiveScore)),
      negatives: summaryOf(negatives.map(({ probability }) => probability)),
      reconstructions: summaryOf(reconstructions.map(({ probability }) => probability)),
      distances: summaryOf(negatives.map(({ distance }) => distance)),
    },
    ...{ seconds, warnings },
  };
}

export function summaryOf(values: Iterable<number>): Quantiles | undefined {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch.summary();
}
