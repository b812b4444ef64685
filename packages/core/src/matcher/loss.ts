/** What a matcher is trained on: cross-entropy, and a penalty on its weights. */
import * as tf from '@tensorflow/tfjs-core';
import type { Matcher } from '../matcher.ts';
import { softmaxCrossEntropy } from '../ops.ts';

/** Mean over the pairs of −log softmax(logits)[label]: logits [N, 2], labels [N] int32. */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  return tf.mean(softmaxCrossEntropy(logits, labels)) as tf.Scalar;
}

/** λ·Σw² over filters and kernels; biases, γ and β are free. */
export function weightPenalty({ parameters, weightNames }: Matcher, l2: number): tf.Scalar {
  return tf.tidy(() => {
    const sums = weightNames.map((name) => tf.sum(tf.square(parameters.get(name)!)));
    return tf.mul(tf.addN(sums), l2) as tf.Scalar;
  });
}
