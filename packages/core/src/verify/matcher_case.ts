/**
 * The reference case of the paper's matching network: logits, loss with the weight penalty, and the gradient of every
 * parameter, without dropout. The case holds the parameters under the names of a checkpoint.
 */
import * as tf from '@tensorflow/tfjs-core';
import { paper } from '../matcher/architectures/paper.ts';
import { crossEntropy, sumOfSquares, weightPenalty } from '../matcher/loss.ts';
import { matcherFrom } from '../matcher/matcher.ts';
import type { CaseInputs, Outputs, Settings } from './case.ts';

export function verifyMatcher(inputs: CaseInputs, settings: Settings): Outputs {
  const [sar, optical] = [inputs.get<tf.Tensor4D>('sar'), inputs.get<tf.Tensor4D>('optical')];
  const labels = tf.cast(inputs.get<tf.Tensor1D>('label'), 'int32');
  const config = { preset: paper.name, side: sar.shape[1], sarBands: 1, opticalBands: 1 } as const;
  const matcher = matcherFrom(config, ({ name }) => tf.clone(inputs.get(name)));
  const forward = () => matcher.logits(sar, optical, { training: false });
  const lossOf = () => {
    const penalty = weightPenalty(matcher, settings.l2 as number);
    return tf.add(crossEntropy(forward(), labels), penalty) as tf.Scalar;
  };
  const { value, grads } = tf.variableGrads(lossOf, [...matcher.parameters.values()]);
  const gradientOf = (name: string) => grads[matcher.parameters.get(name)!.name]!;
  const order = settings.gradientNormsOrder as string[];
  const outputs = {
    logits: forward(),
    loss: tf.reshape(value, [1]),
    gradientNorms: tf.stack(order.map((name) => tf.sqrt(sumOfSquares(gradientOf(name))))),
    dSarConv1Filter: tf.clone(gradientOf('sar.conv1.filter')),
    dHeadDense2Kernel: tf.clone(gradientOf('head.dense2.kernel')),
  };
  tf.dispose([labels, value, grads]);
  matcher.dispose();
  return outputs;
}
