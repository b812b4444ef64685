/**
 * Shortcut learning: a matcher may lower its loss on generated negatives by recognising generated pixels, without using
 * the optical patch. Two measurements show how much it does, each for every way of matching generated patches to real
 * ones:
 *
 * - the score of G(E(x)), the plain reconstruction of the true SAR patch, with its own optical patch: it shows the same
 *   ground, so any loss of score against x is due to being generated
 * - the separability of generated and real patches by a linear probe on the features of the SAR stream alone
 */

import { Rng } from '@doppel/core/base';
import type { PairList, Split } from '@doppel/core/dataset';
import { type ProbeSample, probeAuc } from '@doppel/core/evaluation';
import {
  checkGenerator,
  decodeFor,
  forEachEncoded,
  type LatentGenerator,
  type LatentRule,
  latentNoise,
  MATCHES,
  type Match,
  moveLatents,
  remakerOf,
  stackOf,
  tensorOf,
} from '@doppel/core/generator';
import { type Calibration, probabilityOf } from '@doppel/core/matcher';
import { anchorsOf, type MiningModel, scoreMade, scoreReferences } from '@doppel/core/mining';
import type { PatchSource } from '@doppel/core/prepare';
import * as tf from '@tensorflow/tfjs-core';

export interface ShortcutTask {
  dataset: PairList;
  /** Split to measure on; any is allowed, as nothing is trained. */
  split: Split;
  model: MiningModel & { info: { calibration: Calibration } };
  patches: PatchSource;
  generator: LatentGenerator;
  /** Latent rule of the negatives that are measured beside the reconstructions. */
  rule: LatentRule;
  strength: number;
  /** True pairs to measure on, drawn from the split where it has more. */
  pairs: number;
  seed: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Scores of SAR patches with their own optical patch. */
export interface ShortcutScores {
  /** Mean of logit₁ − logit₀, and of the calibrated probability. */
  score: number;
  probability: number;
  /** Share that is called a match at the model's threshold. */
  called: number;
}

export interface MadeScores extends ShortcutScores {
  /** Share called a match when real but not when generated, and vice versa. */
  lost: number;
  gained: number;
  /** AUC of the linear probe, made against real; null for a matcher without a separate SAR stream. */
  probeAuc: number | null;
}

export interface Shortcut {
  pairs: number;
  places: number;
  split: Split;
  rule: LatentRule;
  strength: number;
  threshold: number;
  real: ShortcutScores;
  /** Scores of reconstructions, by the way of matching them to their source: none alone where speckle is drawn. */
  reconstructions: ByMatch;
  negatives: ByMatch;
  warnings: string[];
}

export type ByMatch = { none: MadeScores } & Partial<Record<Match, MadeScores>>;

type Kind = `${'reconstructions' | 'negatives'} ${Match}`;

/** Measures the shortcut. Errors as of the strategy `generated`. */
export async function measureShortcut(task: ShortcutTask): Promise<Shortcut> {
  const { dataset, split, model, patches, generator, rule, strength, seed, signal } = task;
  const warnings = checkGenerator(generator, model.normalisation, dataset);
  const chosen = anchorsOf(dataset, split);
  const anchors = Rng.derive(seed, 'shortcut')
    .shuffle(chosen)
    .slice(0, task.pairs)
    .sort((a, b) => a - b);
  const remaker = remakerOf(generator, dataset, seed);
  const matches = remaker ? MATCHES.filter((match) => match === 'none') : MATCHES;
  const scores = new Map<Kind | 'real', number[]>();
  const features = new Map<Kind | 'real', Float32Array[]>();
  const add = async (kind: Kind | 'real', made: readonly Float32Array[], given: ArrayLike<number>) => {
    scores.set(kind, [...(scores.get(kind) ?? []), ...Array.from(given)]);
    features.set(kind, [...(features.get(kind) ?? []), ...(await featuresOf(made, model))]);
  };
  await forEachEncoded(
    { ...task, normalisation: model.normalisation, match: 'none', remaker },
    anchors,
    async (latents, batch, first, encoded) => {
      const references = batch.map((anchor) => ({ sar: anchor, optical: anchor }));
      const own = await Promise.all(batch.map((anchor) => patches.sar(anchor)));
      const ownScores = await scoreReferences(references, task, { signal });
      await add('real', own, ownScores);
      const { latent } = generator.info;
      const eps = tf.tensor2d(latentNoise(batch, 0, latent, seed), [batch.length, latent]);
      const z = moveLatents(latents, rule, strength, eps);
      for (const match of matches) {
        for (const [kind, from, draw] of [
          ['negatives', z, 0],
          ['reconstructions', latents.mu, 1],
        ] as const) {
          const maker = { ...task, normalisation: model.normalisation, match, remaker };
          const made = await decodeFor(maker, from, batch, encoded, draw);
          const pairs = batch.map((optical, i) => ({ optical, patch: made[i]! }));
          await add(`${kind} ${match}`, made, await scoreMade(pairs, task, { signal }));
        }
      }
      tf.dispose([eps, z]);
      task.onProgress?.(first + batch.length, anchors.length);
    },
  );
  const groups = anchors.map((anchor) => dataset.records[anchor]!.group);
  const { threshold } = model.info.calibration;
  const measure = (kind: 'reconstructions' | 'negatives') =>
    Object.fromEntries(
      matches.map((match) => [
        match,
        madeScores(scores.get('real')!, scores.get(`${kind} ${match}`)!, model.info.calibration, {
          real: features.get('real')!,
          made: features.get(`${kind} ${match}`)!,
          groups,
        }),
      ]),
    ) as ByMatch;
  return {
    pairs: anchors.length,
    places: new Set(groups).size,
    ...{ split, rule, strength, threshold, warnings },
    real: plainScores(scores.get('real')!, model.info.calibration),
    reconstructions: measure('reconstructions'),
    negatives: measure('negatives'),
  };
}

function plainScores(scores: readonly number[], calibration: Calibration): ShortcutScores {
  const probabilities = scores.map((score) => probabilityOf(score, calibration));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    score: mean(scores),
    probability: mean(probabilities),
    called: mean(probabilities.map((probability) => Number(probability >= calibration.threshold))),
  };
}

interface ProbeFeatures {
  real: readonly Float32Array[];
  made: readonly Float32Array[];
  /** Place of each pair. */
  groups: readonly string[];
}

function madeScores(
  real: readonly number[],
  made: readonly number[],
  calibration: Calibration,
  features: ProbeFeatures,
): MadeScores {
  const isCalled = (score: number) => probabilityOf(score, calibration) >= calibration.threshold;
  const share = (test: (i: number) => boolean) => made.filter((_, i) => test(i)).length / made.length;
  return {
    ...plainScores(made, calibration),
    lost: share((i) => isCalled(real[i]!) && !isCalled(made[i]!)),
    gained: share((i) => !isCalled(real[i]!) && isCalled(made[i]!)),
    probeAuc: features.made.length === 0 ? null : probeAuc(probeSamples(features)),
  };
}

/** Samples grouped by place, or by pair if there is one place: a patch and its reconstruction stay together. */
function probeSamples({ real, made, groups }: ProbeFeatures): ProbeSample[] {
  const isOnePlace = new Set(groups).size < 2;
  const groupOf = (i: number) => (isOnePlace ? String(i) : groups[i]!);
  return [
    ...real.map((features, i): ProbeSample => ({ features, label: 0, group: groupOf(i) })),
    ...made.map((features, i): ProbeSample => ({ features, label: 1, group: groupOf(i) })),
  ];
}

/** Features of the SAR stream, one row a patch; undefined for a matcher without one. */
async function featuresOf(
  made: readonly Float32Array[],
  { scorer, info }: ShortcutTask['model'],
): Promise<Float32Array[]> {
  const { halves } = scorer;
  if (!halves) return [];
  const computed = tf.tidy(() => halves.features(tensorOf(stackOf(made, info.side)), 'sar'));
  const data = await computed.data<'float32'>();
  computed.dispose();
  const length = data.length / made.length;
  return made.map((_, i) => data.slice(i * length, (i + 1) * length));
}
