/** Values that no gradient goes through. */
import * as tf from '@tensorflow/tfjs-core';

/** The same values, which no gradient goes through. */
export function withoutGradient<T extends tf.Tensor>(x: T): T {
  const stop = tf.customGrad((given) => {
    const input = given as tf.Tensor; // tfjs types it as the function that saves tensors, too
    return { value: tf.clone(input), gradFunc: () => tf.zerosLike(input) };
  });
  return stop(x) as T;
}
