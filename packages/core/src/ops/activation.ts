/** Activations that are fused into convolutions, dense layers and batch normalisation. */
import * as tf from '@tensorflow/tfjs-core';

export type Activation = 'linear' | 'relu' | 'leakyrelu';

export interface ActivationAttributes {
  activation: Activation;
  /** Slope below 0 of `leakyrelu`; > 0. */
  leakyreluAlpha: number;
}

export function activate<T extends tf.Tensor>(x: T, { activation, leakyreluAlpha }: ActivationAttributes): T {
  if (activation === 'relu') return tf.relu(x);
  if (activation === 'leakyrelu') return tf.leakyRelu(x, leakyreluAlpha) as T;
  return x;
}

/**
 * dy · act′, from the activation's output y: its sign is that of the input, since the slopes are positive. At 0 the
 * derivative is taken from below, as PyTorch does.
 */
export function activationGradient<T extends tf.Tensor>(dy: T, y: tf.Tensor, attrs: ActivationAttributes): T {
  if (attrs.activation === 'linear') return dy;
  return tf.mul(dy, tf.step(y, attrs.activation === 'relu' ? 0 : attrs.leakyreluAlpha)) as T;
}
