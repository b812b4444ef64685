/**
 * One step of training in two halves: gradients of a batch (forward, backward, weight penalty), and their application
 * (Adam). On one machine they follow each other; on many, gradients are averaged in between.
 */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../../matcher/loss.ts';
import type { Matcher, MatcherMode } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { blend, sumOfSquares } from '../../ops/ops.ts';
import { variableGradients } from '../../ops/variable_gradients.ts';
import { adamStep, type Moments, zeroMomentsOf } from '../../runs/moments.ts';
import { type LocalisationBatch, lossOfWindows } from './localisation/loss.ts';

/** Pairs of patches with their labels. */
export interface PairBatch {
  /** [n, side, side, bands] */
  sar: tf.Tensor4D;
  /** [m, side, side, bands] */
  optical: tf.Tensor4D;
  /** Rows of both that make the pairs. */
  pairing: Pairing;
  /** [pairs] int32, 1 for a match. */
  labels: tf.Tensor1D;
  /** [pairs], which sum to 1. */
  weights: tf.Tensor1D;
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
}

/** Options of the gradients: they depend on these, the weights and the batch. */
export type GradientOptions = Pick<StepOptions, 'l2' | 'seed' | 'step'>;

export type UpdateOptions = Omit<StepOptions, 'l2' | 'seed'>;

export interface Gradients {
  /** Weighted mean cross-entropy of the batch, or the loss of its localisation. */
  loss: tf.Scalar;
  /** Gradient of loss and penalty, by parameter. */
  gradients: tf.NamedTensorMap;
}

export const zeroMoments = ({ parameters }: Matcher): Moments => zeroMomentsOf([...parameters]);

/**
 * Trains the matcher by one batch: its parameters, statistics and the moments change.
 *
 * @returns two scalars that the caller disposes of: the loss of the batch before the step, without the penalty, and the
 * norm of the gradient, penalty included. When either is not finite, nor are the weights any more.
 */
export function trainingStep(
  matcher: Matcher,
  moments: Moments,
  batch: Batch,
  { l2, seed, ...update }: StepOptions,
): { loss: tf.Scalar; gradientNorm: tf.Scalar } {
  return tf.tidy(() => {
    const { loss, gradients } = gradientsOf(matcher, batch, { l2, seed, step: update.step });
    return { loss, gradientNorm: apply(matcher, moments, gradients, update) };
  });
}

/**
 * Loss and gradients of a batch; the caller disposes of them. Only the moving statistics of batch normalisation
 * change, so that gradients of several batches can be averaged before they are applied.
 */
export function gradientsOf(matcher: Matcher, batch: Batch, { l2, seed, step }: GradientOptions): Gradients {
  return tf.tidy(() => {
    const { value: loss, grads } = variableGradients(
      () => lossOf(matcher, batch, { training: true, seed, step }),
      [...matcher.parameters.values()],
    );
    return { loss, gradients: penalised(matcher, grads, l2) };
  });
}

function lossOf(matcher: Matcher, batch: Batch, mode: MatcherMode): tf.Scalar {
  if ('pairing' in batch) {
    const { sar, optical, pairing, labels, weights } = batch;
    return crossEntropy(matcher.logits(sar, optical, mode, pairing), labels, weights);
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
