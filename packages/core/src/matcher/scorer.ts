/**
 * A matcher for scoring: batch normalisation folded into the convolutions, no dropout, and, where the streams meet late,
 * the two halves by themselves.
 *
 * The first fusion convolution is linear before its ReLU, so of the concatenated maps
 *
 *   conv([s, o], f) + b = (conv(s, f_s) + b) + conv(o, f_o)
 *
 * with f_s and f_o the filter's first and last input channels. Each term depends on one patch and is computed once for it;
 * a pair costs one addition and the small rest.
 */
import * as tf from '@tensorflow/tfjs-core';
import { conv2d } from '../ops/ops.ts';
import { decide, fuse, stream } from './architectures/paper.ts';
import { twoChannel } from './architectures/two_channel.ts';
import { foldBatchNorm, foldedLayers, type Layers, tensorOf } from './layers.ts';
import type { Matcher } from './matcher.ts';

export type Modality = 'sar' | 'optical';

/** Of a matcher with two streams; h = ⌈side/16⌉. */
export interface ScorerHalves {
  /** [N, side, side, sarBands] → [N, h, h, 256] */
  sar(patches: tf.Tensor4D): tf.Tensor4D;
  /** [N, side, side, opticalBands] → [N, h, h, 256] */
  optical(patches: tf.Tensor4D): tf.Tensor4D;
  /** The halves of N pairs → [N]; one side may have a single row, which then meets every row of the other. */
  join(sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D;
  /** What a stream makes of a patch, averaged over positions: [N, 128], each ≥ 0. For nearness between patches. */
  features(patches: tf.Tensor4D, modality: Modality): tf.Tensor2D;
}

export interface MatchScorer {
  /** [N, side, side, bands] each → [N], logit₁ − logit₀: positive for a match. */
  score(sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D;
  /** Absent where both patches enter one stream. */
  halves?: ScorerHalves;
  dispose(): void;
}

/** Holds weights of its own: the matcher may be trained on, or disposed of. */
export function createScorer({ config, parameters, statistics }: Matcher): MatchScorer {
  const weights = foldBatchNorm(parameters, statistics);
  const layers = foldedLayers(weights);
  if (config.preset === 'two-channel') {
    return {
      score: (sar, optical) => tf.tidy(() => difference(twoChannel(layers, sar, optical))),
      dispose: () => tf.dispose([...weights.values()]),
    };
  }
  const [filters, bias] = [splitFusion(weights), tensorOf<tf.Tensor1D>(weights, 'fusion.conv1.bias')];
  return {
    score: (sar, optical) =>
      tf.tidy(() => difference(fuse(layers, stream(layers, 'sar', sar), stream(layers, 'optical', optical)))),
    halves: halvesOf(layers, filters, bias),
    dispose: () => tf.dispose([...weights.values(), filters.sar, filters.optical]),
  };
}

function halvesOf(layers: Layers, filters: Record<Modality, tf.Tensor4D>, bias: tf.Tensor1D): ScorerHalves {
  const half = (patches: tf.Tensor4D, modality: Modality) =>
    tf.tidy(() =>
      conv2d(stream(layers, modality, patches), filters[modality], modality === 'sar' ? bias : null, { strides: 2 }),
    );
  return {
    sar: (patches) => half(patches, 'sar'),
    optical: (patches) => half(patches, 'optical'),
    join: (sar, optical) => tf.tidy(() => difference(decide(layers, tf.relu(tf.add(sar, optical) as tf.Tensor4D)))),
    features: (patches, modality) => tf.tidy(() => tf.mean(stream(layers, modality, patches), [1, 2]) as tf.Tensor2D),
  };
}

/** The fusion filter [3, 3, 256, 256] by the stream that its input channels come from. */
function splitFusion(weights: ReadonlyMap<string, tf.Tensor>): Record<Modality, tf.Tensor4D> {
  const filter = tensorOf<tf.Tensor4D>(weights, 'fusion.conv1.filter');
  const [sar, optical] = tf.split(filter, 2, 2) as [tf.Tensor4D, tf.Tensor4D];
  return { sar, optical };
}

/** logit₁ − logit₀: [N, 2] → [N] */
export function difference(logits: tf.Tensor2D): tf.Tensor1D {
  const [no, yes] = tf.split(logits, 2, 1);
  return tf.reshape(tf.sub(yes!, no!), [logits.shape[0]]);
}
