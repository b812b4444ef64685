/** One step of training: forward, gradients, weight penalty, Adam. */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy, sumOfSquares } from '../../matcher/loss.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { adam } from '../../ops/ops.ts';
import { variableGradients } from '../../ops/variable_gradients.ts';

export interface Batch {
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

export interface StepOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** λ of the penalty λ·Σw². */
  l2: number;
  /** For dropout. */
  seed: number;
  /** From 0. */
  step: number;
}

/** The moving moments of Adam, by parameter. */
export interface Moments {
  first: Map<string, tf.Tensor>;
  second: Map<string, tf.Tensor>;
}

export function zeroMoments({ parameters }: Matcher): Moments {
  const zeros = () => new Map([...parameters].map(([name, { shape }]) => [name, tf.zeros(shape) as tf.Tensor]));
  return { first: zeros(), second: zeros() };
}

/**
 * Trains the matcher by one batch: its parameters, statistics and the moments change.
 *
 * @returns two scalars that the caller disposes of: the weighted mean cross-entropy of the batch before the step, and the norm of the
 * gradient, penalty included. When either is not finite, nor are the weights any more.
 */
export function trainingStep(
  matcher: Matcher,
  moments: Moments,
  batch: Batch,
  options: StepOptions,
): { loss: tf.Scalar; gradientNorm: tf.Scalar } {
  const { seed, step, l2, ...hyperparameters } = options;
  return tf.tidy(() => {
    const mode = { training: true, seed, step } as const;
    const { value: loss, grads } = variableGradients(
      () => crossEntropy(matcher.logits(batch.sar, batch.optical, mode, batch.pairing), batch.labels, batch.weights),
      [...matcher.parameters.values()],
    );
    const gradients = penalised(matcher, grads, l2);
    const names = [...matcher.parameters.keys()];
    const updated = adam({
      parameters: [...matcher.parameters.values()],
      gradients,
      first: names.map((name) => moments.first.get(name)!),
      second: names.map((name) => moments.second.get(name)!),
      step: step + 1,
      ...hyperparameters,
    });
    names.forEach((name, i) => {
      matcher.parameters.get(name)!.assign(updated.parameters[i]!);
      replace(moments.first, name, updated.first[i]!);
      replace(moments.second, name, updated.second[i]!);
    });
    return { loss, gradientNorm: tf.sqrt(tf.addN(gradients.map(sumOfSquares))) as tf.Scalar };
  });
}

/** The penalty's gradient 2λw is added by hand: through the tape it would cost a second pass over all weights. */
function penalised({ parameters, weightNames }: Matcher, grads: tf.NamedTensorMap, l2: number): tf.Tensor[] {
  const weights = new Set(weightNames);
  return [...parameters].map(([name, variable]) => {
    const gradient = grads[variable.name]!;
    return weights.has(name) && l2 > 0 ? tf.add(gradient, tf.mul(variable, 2 * l2)) : gradient;
  });
}

function replace(moments: Map<string, tf.Tensor>, name: string, value: tf.Tensor): void {
  moments.get(name)!.dispose();
  moments.set(name, tf.keep(value));
}
