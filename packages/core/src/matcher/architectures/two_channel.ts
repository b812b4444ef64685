/**
 * The two-channel matcher: both patches stacked as the bands of one image, so that the first convolution already compares
 * them. Zagoruyko and Komodakis, Learning to Compare Image Patches via Convolutional Neural Networks (CVPR 2015), §3.1.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Layers } from '../layers.ts';
import { denseParameters, type ParameterSpec } from '../parameters.ts';
import { STREAM_CHANNELS, stream, streamParameters } from './paper.ts';

const HIDDEN = 256;
const DROPOUT = 0.3;
const STREAM = 'pair';

/** [N, S, S, sarBands] and [N, S, S, opticalBands] → logits [N, 2], column 1 for a match. */
export function twoChannel(layers: Layers, sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor2D {
  const x = stream(layers, STREAM, tf.concat([sar, optical], 3)); // [N, S/8, S/8, 128]
  const pooled = tf.concat([tf.mean(x, [1, 2]), tf.max(x, [1, 2])], 1) as tf.Tensor2D; // [N, 256]
  const hidden = layers.dropout(layers.dense('head.dense1', pooled, 'relu'), DROPOUT); // [N, 256]
  return layers.dense('head.dense2', hidden, 'linear');
}

export function twoChannelParameters({ sarBands, opticalBands }: { sarBands: number; opticalBands: number }) {
  const specs: ParameterSpec[] = [
    ...streamParameters(STREAM, sarBands + opticalBands, true),
    ...denseParameters('head.dense1', 2 * STREAM_CHANNELS, HIDDEN),
    ...denseParameters('head.dense2', HIDDEN, 2, true),
  ];
  return specs;
}
