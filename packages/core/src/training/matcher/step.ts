/**
 * One step of training in two halves: gradients of a batch (forward, backward, weight penalty), and their application
 * (Adam). On one machine they follow each other; on many, gradients are averaged in between.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Matcher, MatcherMode } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { blend, sumOfSquares } from '../../ops/ops.ts';
import { variableGradients } from '../../ops/variable_gradients.ts';
import { adamStep, type Moments, zeroMomentsOf } from '../../runs/moments.ts';
import type { LossSettings } from './hard_settings.ts';
import { type LocalisationBatch, lossOfWindows } from './localisation/loss.ts';
import { lossOfPairs, type PairLabels } from './pair_loss.ts';

/** Pairs of patches with their labels. */
export interface PairBatch extends PairLabels {
  /** [n, side, side, bands] */
  sar: tf.Tensor4D;
  /** [m, side, side, bands] */
  optical: tf.Tensor4D;
  /** Maps of further SAR patches as the SAR tower gives them, [k, h, w, c]; constants. */
  memory?: tf.Tensor4D | undefined;
  /** Rows of both that make the pairs; of SAR from n on rows of `memory`. */
  pairing: Pairing;
}

export type Batch = PairBatch | LocalisationBatch;

export interface StepOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** λ of the penalty λ·Σw². */
  l2: number;
  /** Seed of dropout. */
  seed: number;
  /** Training step, from 0. */
  step: number;
  /** Loss of pairs, if another than cross-entropy, and the logarithm of its scale. */
  loss?: { settings: LossSettings; logScale: number } | undefined;
  /** Batch normalisation by its moving statistics, which stay as they are; default: by those of the batch. */
  frozen?: boolean | undefined;
}

/** Options of the gradients: they depend on these, the weights and the batch. */
export type GradientOptions = Pick<StepOptions, 'l2' | 'seed' | 'step' | 'loss' | 'frozen'>;

export type UpdateOptions = Omit<StepOptions, keyof Omit<GradientOptions, 'step'>>;

export interface Gradients {
  /** Weighted mean cross-entropy of the batch, or the loss of its localisation. */
  loss: tf.Scalar;
  /** Gradient of loss and penalty, by parameter. */
  gradients: tf.NamedTensorMap;
  /** Gradient of the logarithm of the loss's scale, [1], if it has one. */
  ofScale?: tf.Tensor | undefined;
}

export const zeroMoments = ({ parameters }: Matcher): Moments => zeroMomentsOf([...parameters]);

/**
 * Trains the matcher by one batch: its parameters, statistics and the moments change.
 *
 * @returns scalars that the caller disposes of: the loss of the batch before the step, without the penalty, the norm of
 * the gradient, penalty included, and the gradient of the loss's scale, if it has one. When the first or second is not
 * finite, nor are the weights any more.
 */
export function trainingStep(
  matcher: Matcher,
  moments: Moments,
  batch: Batch,
  { l2, seed, loss: of, frozen, ...update }: StepOptions,
): { loss: tf.Scalar; gradientNorm: tf.Scalar; ofScale?: tf.Tensor } {
  return tf.tidy(() => {
    const options = { l2, seed, loss: of, frozen, step: update.step };
    const { loss, gradients, ofScale } = gradientsOf(matcher, batch, options);
    return { loss, gradientNorm: apply(matcher, moments, gradients, update), ...(ofScale && { ofScale }) };
  });
}

/**
 * Loss and gradients of a batch; the caller disposes of them. Only the moving statistics of batch normalisation
 * change, so that gradients of several batches can be averaged before they are applied.
 */
export function gradientsOf(
  matcher: Matcher,
  batch: Batch,
  { l2, seed, step, loss: of, frozen = false }: GradientOptions,
): Gradients {
  const logScale = of && tf.variable(tf.tensor1d([of.logScale]));
  try {
    return tf.tidy(() => {
      const { value: loss, grads } = variableGradients(
        () => lossOf(matcher, batch, { training: true, seed, step, frozen }, of?.settings, logScale as tf.Tensor1D),
        [...matcher.parameters.values(), ...(logScale ? [logScale] : [])],
      );
      const ofScale = logScale && grads[logScale.name];
      return { loss, gradients: penalised(matcher, grads, l2), ...(ofScale && { ofScale }) };
    });
  } finally {
    logScale?.dispose();
  }
}

function lossOf(
  matcher: Matcher,
  batch: Batch,
  mode: MatcherMode,
  settings: LossSettings | undefined,
  logScale: tf.Tensor1D | undefined,
): tf.Scalar {
  if ('pairing' in batch) {
    const { sar, optical, pairing, memory } = batch;
    return lossOfPairs(matcher.logits(sar, optical, mode, pairing, memory), batch, settings, logScale);
  }
  const { terms, similarity } = matcher.localise(batch.sar, batch.optical, mode);
  return lossOfWindows(terms, similarity, batch);
}

/**
 * Updates parameters and moments by gradients.
 *
 * @returns the norm of the gradient, a scalar that the caller disposes of.
 */
export function apply(
  { parameters }: Matcher,
  moments: Moments,
  gradients: tf.NamedTensorMap,
  options: UpdateOptions,
): tf.Scalar {
  adamStep([...parameters], gradients, moments, options);
  return tf.tidy(() => tf.sqrt(sumOfSquares(Object.values(gradients))) as tf.Scalar);
}

/** Adds the penalty's gradient 2λw by hand: through the tape it would cost a second pass over all weights. */
function penalised({ parameters, weightNames }: Matcher, grads: tf.NamedTensorMap, l2: number): tf.NamedTensorMap {
  const gradients = Object.fromEntries([...parameters].map(([name, variable]) => [name, grads[variable.name]!]));
  if (l2 === 0) return gradients;
  const own = weightNames.map((name) => gradients[name]!);
  const weights = weightNames.map((name) => parameters.get(name)!);
  const penalised = blend(own, weights, { alpha: 1, beta: 2 * l2 });
  return { ...gradients, ...Object.fromEntries(weightNames.map((name, i) => [name, penalised[i]!])) };
}
