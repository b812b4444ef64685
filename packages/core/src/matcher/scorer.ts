/**
 * A matcher for scoring: batch normalisation folded into the convolutions, no dropout, and, if each sensor has a
 * separate stream, the towers alone. Each patch goes through its tower once; a pair costs little more than one
 * addition.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Modality } from '../prepare/normalisation.ts';
import type { MatcherConfig, Towers } from './architecture.ts';
import { ARCHITECTURES } from './architectures.ts';
import type { Layers } from './layers.ts';
import type { Matcher } from './matcher.ts';
import { replayed } from './replayed.ts';
import { foldBatchNorm, foldedLayers } from './tensor_layers.ts';

/** The towers of a matcher over tensors. */
export interface ScorerHalves {
  /** [N, side, side, sarBands] → [N, h, w, c] */
  sar(patches: tf.Tensor4D): tf.Tensor4D;
  /** [N, side, side, opticalBands] → [N, h, w, c] */
  optical(patches: tf.Tensor4D): tf.Tensor4D;
  /** The halves of N pairs → [N]; one side may have a single row, which then meets every row of the other. */
  join(sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D;
  /** [N, side, side, bands] → [N, d], by whose cosines patches of one sensor are compared. */
  features(patches: tf.Tensor4D, modality: Modality): tf.Tensor2D;
}

/** A matcher ready for scoring. */
export interface PairScorer {
  /** [N, side, side, bands] each → [N], logit₁ − logit₀: positive for a match. */
  score(sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D;
  /** Absent if both patches enter one stream. */
  halves?: Omit<ScorerHalves, 'features'> | undefined;
}

export interface MatchScorer extends PairScorer {
  halves?: ScorerHalves | undefined;
  dispose(): void;
}

/** Scorer with a copy of the weights: the matcher may be trained further, or disposed of. */
export function createScorer({ config, parameters, statistics }: Matcher): MatchScorer {
  const weights = foldBatchNorm(parameters, statistics);
  const layers = foldedLayers(weights);
  const { towers, ...architecture } = ARCHITECTURES.get(config.preset);
  const { score, dispose } = replayed((sar, optical) =>
    tf.tidy(() => difference(architecture.logits<tf.Tensor>(layers, sar, optical, config) as tf.Tensor2D)),
  );
  return {
    score,
    halves: towers && halvesOf(layers, towers, config),
    dispose() {
      dispose();
      tf.dispose([...weights.values()]);
    },
  };
}

function halvesOf(layers: Layers<tf.Tensor>, towers: Towers, config: MatcherConfig): ScorerHalves {
  const tower = (patches: tf.Tensor4D, sensor: Modality) =>
    tf.tidy(() => towers.tower<tf.Tensor>(layers, sensor, patches, config) as tf.Tensor4D);
  return {
    sar: (patches) => tower(patches, 'sar'),
    optical: (patches) => tower(patches, 'optical'),
    join: (sar, optical) =>
      tf.tidy(() => difference(towers.join<tf.Tensor>(layers, sar, optical, config) as tf.Tensor2D)),
    features: (patches, sensor) =>
      tf.tidy(() => towers.descriptor<tf.Tensor>(layers, sensor, patches, config) as tf.Tensor2D),
  };
}

/** logit₁ − logit₀: [N, 2] → [N] */
export function difference(logits: tf.Tensor2D): tf.Tensor1D {
  const [no, yes] = tf.split(logits, 2, 1);
  return tf.reshape(tf.sub(yes!, no!), [logits.shape[0]]);
}
