/**
 * The pseudo-siamese matcher of Hughes, Schmitt and Zhu: one stream for each sensor without shared weights, fused late.
 * Identifying Corresponding Patches in SAR and Optical Images With a Pseudo-Siamese CNN (GRSL 15(5), 2018).
 *
 * `paper` has a bias and a ReLU after each convolution. `paper-bn` has batch normalisation between the convolution and
 * its ReLU; a bias there would be taken away by the mean, so its convolutions have none.
 */
import * as tf from '@tensorflow/tfjs-core';
import { maxPool } from '../../ops/ops.ts';
import type { Layers } from '../layers.ts';
import type { Pairing } from '../pairing.ts';
import { convParameters, denseParameters, type ParameterSpec } from '../parameters.ts';

/** Of a stream's eight convolutions, all 3×3, stride 1, "same". */
const WIDTHS = [32, 32, 64, 64, 128, 128, 128, 128] as const;
const POOLED = new Set([2, 4, 6]); // 2×2 max pooling after these
export const STREAM_CHANNELS = 128;
const FUSION = [256, 128] as const; // 3×3, stride 2
const HIDDEN = 512;
const DROPOUT = 0.5;

/** [N, S, S, bands] → [N, S/8, S/8, 128] */
export function stream(layers: Layers, name: string, patches: tf.Tensor4D): tf.Tensor4D {
  let x = patches;
  for (let i = 1; i <= WIDTHS.length; i++) {
    x = layers.conv(`${name}.conv${i}`, x, { isInput: i === 1 }); // 32 32 | 64 64 | 128 128 | 128 128 channels
    if (POOLED.has(i)) x = maxPool(x); // S → S/2 → S/4 → S/8
  }
  return x;
}

/**
 * Both [N, S/8, S/8, 128] → logits [N, 2], column 1 for a match. With a pairing, [n, …] and [m, …] with N pairs among them.
 */
export function fuse(layers: Layers, sar: tf.Tensor4D, optical: tf.Tensor4D, pairing?: Pairing): tf.Tensor2D {
  if (pairing) return decide(layers, layers.pairConv('fusion.conv1', sar, optical, pairing, 2));
  const both = tf.concat([sar, optical], 3); // [N, S/8, S/8, 256]
  return decide(layers, layers.conv('fusion.conv1', both, { strides: 2 }));
}

/** What follows the first fusion convolution: [N, ⌈S/16⌉, ⌈S/16⌉, 256] → logits [N, 2]. */
export function decide(layers: Layers, fused: tf.Tensor4D): tf.Tensor2D {
  const pooled = maxPool(layers.conv('fusion.conv2', fused, { strides: 2 })); // [N, ⌊⌈S/32⌉/2⌋, same, 128]
  const flat = tf.reshape(pooled, [pooled.shape[0], -1]) as tf.Tensor2D;
  const hidden = layers.dropout(layers.dense('head.dense1', flat, 'relu'), DROPOUT); // [N, 512]
  return layers.dense('head.dense2', hidden, 'linear');
}

/** Side of the pooled map before the dense layers: 64 → 1, 112 → 2. */
const headSide = (side: number) => Math.floor(Math.ceil(Math.ceil(side / 8 / 2) / 2) / 2);

export function streamParameters(name: string, bands: number, batchNorm: boolean): ParameterSpec[] {
  return WIDTHS.flatMap((width, i) =>
    convParameters(`${name}.conv${i + 1}`, i === 0 ? bands : (WIDTHS[i - 1] as number), width, batchNorm),
  );
}

export function paperParameters(
  shape: { side: number; sarBands: number; opticalBands: number },
  batchNorm: boolean,
): ParameterSpec[] {
  return [
    ...streamParameters('sar', shape.sarBands, batchNorm),
    ...streamParameters('optical', shape.opticalBands, batchNorm),
    ...convParameters('fusion.conv1', 2 * STREAM_CHANNELS, FUSION[0], batchNorm),
    ...convParameters('fusion.conv2', FUSION[0], FUSION[1], batchNorm),
    ...denseParameters('head.dense1', headSide(shape.side) ** 2 * FUSION[1], HIDDEN),
    ...denseParameters('head.dense2', HIDDEN, 2, true),
  ];
}
