/**
 * Losses of pairs beside cross-entropy: a softmax over the whole batch, and margins of made negatives.
 *
 * The softmax puts each positive above every negative of the batch, whichever pair of patches it is of: one threshold
 * for all, as a false positive rate at a recall asks for. With scores s and a learned scale e^a it is the mean over the
 * positives i of −log(e^(s_i·e^a) / (e^(s_i·e^a) + Σ_j e^(s_j·e^a))), j over all negatives.
 *
 * A made negative resembles its positive, and may even show the same ground. With a margin it is not label 0: its score
 * has to stay below that of its positive, by a distance that grows with the share of the patch that was changed.
 */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../../matcher/loss.ts';
import { difference } from '../../matcher/scorer.ts';
import { withoutGradient } from '../../ops/without_gradient.ts';
import type { LossSettings, MarginSettings } from './hard_settings.ts';

/** Margin of a made negative by the share of the patch that was changed. */
export const marginOf = ({ size, from, full }: MarginSettings, changed: number): number =>
  size * Math.min(Math.max((changed - from) / (full - from), 0), 1);

/** Made negatives of a batch that are held below their positives. */
export interface Margins {
  /** Pairs: the made negative, and the positive of the same optical patch. */
  pairs: readonly { made: number; own: number }[];
  /** Distance for each. */
  sizes: readonly number[];
  weight: number;
}

export interface PairLabels {
  /** [pairs] int32, 1 for a match. */
  labels: tf.Tensor1D;
  /** [pairs], which sum to 1; pairs of weight 0 are in neither cross-entropy nor softmax. */
  weights: tf.Tensor1D;
  margins?: Margins | undefined;
  /** Number of negatives that the softmax leaves out, the hardest. */
  leftOut?: number | undefined;
}

/** @param logScale [1], logarithm of the scale; needed with `settings`. Without these: cross-entropy alone. */
export function lossOfPairs(
  logits: tf.Tensor2D,
  { labels, weights, margins, leftOut = 0 }: PairLabels,
  settings?: LossSettings,
  logScale?: tf.Tensor1D,
): tf.Scalar {
  const entropy = crossEntropy(logits, labels, weights);
  if (!settings && !margins) return entropy;
  const scores = difference(logits);
  const terms: tf.Scalar[] = [settings ? tf.mul(entropy, settings.crossEntropy) : entropy];
  if (settings && logScale) {
    const softmax = batchSoftmax(tf.mul(scores, tf.exp(logScale)) as tf.Tensor1D, labels, weights, leftOut);
    terms.push(tf.mul(softmax, settings.softmax));
  }
  if (margins && margins.pairs.length > 0) terms.push(tf.mul(marginLoss(scores, margins), margins.weight));
  return tf.addN(terms) as tf.Scalar;
}

/** Distance by which scores that are no negatives are lowered. */
const FAR = 1e9;

function batchSoftmax(scores: tf.Tensor1D, labels: tf.Tensor1D, weights: tf.Tensor1D, leftOut: number): tf.Scalar {
  const counted = tf.cast(tf.greater(weights, 0), 'float32');
  const positive = tf.mul(tf.cast(labels, 'float32'), counted);
  const negative = tf.sub(counted, positive);
  const kept = leftOut > 0 ? withoutHardest(scores, negative, leftOut) : negative;
  const all = tf.logSumExp(tf.add(scores, tf.mul(tf.sub(kept, 1), FAR)));
  const losses = tf.softplus(tf.sub(all, scores)); // −log of the positive's share among itself and all negatives
  return tf.div(tf.sum(tf.mul(losses, positive)), tf.maximum(tf.sum(positive), 1)) as tf.Scalar;
}

/** Negatives [pairs] of 0 and 1 without those that fewer others than a count exceed in score. */
function withoutHardest(scores: tf.Tensor1D, negative: tf.Tensor, count: number): tf.Tensor {
  const [fixed, pairs] = [withoutGradient(scores), scores.shape[0]];
  const among = tf.add(fixed, tf.mul(tf.sub(negative, 1), FAR));
  const notAbove = tf.greaterEqual(tf.reshape(among, [pairs, 1]), tf.reshape(among, [1, pairs]));
  const others = tf.sum(tf.cast(notAbove, 'float32'), 1);
  return tf.mul(negative, tf.cast(tf.greaterEqual(pairs - count, others), 'float32'));
}

/** Mean of max(0, margin + score of the made one − score of its positive). */
function marginLoss(scores: tf.Tensor1D, { pairs, sizes }: Margins): tf.Scalar {
  const count = scores.shape[0];
  const signs = new Float32Array(pairs.length * count);
  pairs.forEach(({ made, own }, row) => {
    signs[row * count + made] = 1;
    signs[row * count + own] = -1;
  });
  const above = tf.matMul(tf.tensor2d(signs, [pairs.length, count]), tf.reshape(scores, [count, 1]));
  return tf.mean(tf.relu(tf.add(tf.reshape(above, [pairs.length]), tf.tensor1d([...sizes])))) as tf.Scalar;
}
