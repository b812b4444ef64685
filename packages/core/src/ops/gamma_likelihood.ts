/**
 * DoppelGammaLikelihood: mean of r + I·exp(−r), the negative log-likelihood of speckled intensities I under a
 * log reflectivity r, for one look up to a constant. Goodman, Some Fundamental Properties of Speckle (JOSA 1976).
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernelMulti } from './kernel.ts';

export const GAMMA_LIKELIHOOD = 'DoppelGammaLikelihood';

interface Inputs {
  logReflectivity: tf.Tensor;
  intensity: tf.Tensor;
}

/**
 * Negative log-likelihood of intensities, the mean over all elements; both inputs have one shape. Intensities are data:
 * the gradient is by the log reflectivity alone, in the same pass.
 *
 * @throws Error if the shapes differ
 */
export function gammaLikelihood(logReflectivity: tf.Tensor, intensity: tf.Tensor): tf.Scalar {
  if (!tf.util.arraysEqual(logReflectivity.shape, intensity.shape)) {
    const found = `[${logReflectivity.shape}] and [${intensity.shape}]`;
    throw new Error(`gammaLikelihood needs an intensity for each log reflectivity, found ${found}`);
  }
  return runKernelMulti(GAMMA_LIKELIHOOD, { logReflectivity, intensity }, {})[0] as tf.Scalar;
}

/** Loss and dlogReflectivity = (1 − I·exp(−r)) / count. */
export function gammaLikelihoodReference({ logReflectivity, intensity }: Inputs): tf.Tensor[] {
  const ratio = tf.mul(intensity, tf.exp(tf.neg(logReflectivity)));
  return [tf.mean(tf.add(logReflectivity, ratio)), tf.div(tf.sub(1, ratio), logReflectivity.size)];
}

export const gammaLikelihoodGradient: Gradient = {
  outputsToSave: [false, true],
  gradFunc: (douts, [dlogReflectivity]) => ({
    logReflectivity: () => tf.mul(dlogReflectivity!, [douts].flat()[0]!),
  }),
};
