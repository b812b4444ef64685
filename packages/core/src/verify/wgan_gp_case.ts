/**
 * The reference case of WGAN-GP on a small critic: the gradient of the gradient penalty by the critic's weights, that
 * is, double backpropagation. Gulrajani et al., Improved Training of Wasserstein GANs (NeurIPS 2017), §4.
 */
import * as tf from '@tensorflow/tfjs-core';
import { avgPool, conv2d } from '../ops/ops.ts';
import type { CaseInputs, Outputs, Settings } from './case.ts';

const WEIGHTS = ['filter1', 'bias1', 'filter2', 'bias2', 'kernel', 'kernelBias'] as const;

type Weights = [tf.Tensor4D, tf.Tensor1D, tf.Tensor4D, tf.Tensor1D, tf.Tensor2D, tf.Tensor1D];

/** Two convolutions with average pooling, one dense unit: [n, h, w, 1] → [n]. */
function critic(
  x: tf.Tensor4D,
  [filter1, bias1, filter2, bias2, kernel, kernelBias]: Weights,
  leakyreluAlpha: number,
): tf.Tensor1D {
  const options = { activation: 'leakyrelu', leakyreluAlpha } as const;
  let h = avgPool(conv2d(x, filter1, bias1, options));
  h = avgPool(conv2d(h, filter2, bias2, options));
  const score = tf.add(tf.matMul(tf.reshape(h, [x.shape[0], -1]), kernel), kernelBias);
  return tf.reshape(score, [x.shape[0]]);
}

export function verifyWganGp(inputs: CaseInputs, settings: Settings): Outputs {
  const [real, fake, u] = (['real', 'fake', 'u'] as const).map((name) => inputs.get<tf.Tensor4D>(name)) as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const { penaltyWeight, driftWeight, leakyreluAlpha } = settings as Record<string, number>;
  const mix = tf.add(real, tf.mul(tf.sub(fake, real), u)) as tf.Tensor4D;

  const penaltyOf = (weights: Weights): tf.Tensor => {
    const gradient = tf.grad((x) => tf.sum(critic(x as tf.Tensor4D, weights, leakyreluAlpha!)))(mix);
    const norm = tf.sqrt(tf.add(tf.sum(tf.square(gradient), [1, 2, 3]), 1e-12));
    return tf.square(tf.sub(norm, 1));
  };
  const lossOf = (weights: Weights): tf.Scalar => {
    const [onReal, onFake] = [critic(real, weights, leakyreluAlpha!), critic(fake, weights, leakyreluAlpha!)];
    const drift = tf.mul(tf.square(onReal), driftWeight!);
    const terms = tf.add(tf.add(tf.sub(onFake, onReal), tf.mul(penaltyOf(weights), penaltyWeight!)), drift);
    return tf.mean(terms) as tf.Scalar;
  };

  const weights = WEIGHTS.map((name) => inputs.get(name)) as Weights;
  const { value, grads } = tf.valueAndGrads((...tensors) => lossOf(tensors as Weights))(weights);
  const gradients = WEIGHTS.map((name, i) => [`d${name}`, grads[i]!]);
  return { penalty: penaltyOf(weights), loss: tf.reshape(value, [1]), ...Object.fromEntries(gradients) };
}
