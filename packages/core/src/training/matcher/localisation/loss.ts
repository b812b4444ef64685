/** Loss of finding templates in windows, and of telling the windows of a batch apart by their descriptors. */
import * as tf from '@tensorflow/tfjs-core';
import type { LocalisationTerms } from '../../../matcher/architecture.ts';
import { localisationLoss, softmaxCrossEntropy, unitCells } from '../../../ops/ops.ts';
import { withoutGradient } from '../../../ops/without_gradient.ts';

/**
 * Batch of SAR templates and optical windows; template i belongs to window i, the rest to none. Of many processes each
 * has patches of its own, and the masks of the whole batch or, where it is compared in shares, of its own.
 */
export interface LocalisationBatch {
  /** [T, side, side, 1] */
  sar: tf.Tensor4D;
  /** [W, extent, extent, bands] */
  optical: tf.Tensor4D;
  /** [W, n, n], 1 at the places that count as right, of which each window has one at least. */
  positive: tf.Tensor3D;
  /** [W, n, n], 1 at places that count neither as right nor as wrong. */
  ignored: tf.Tensor3D;
  /** [T, W], 0 for a template and a window that may show the same ground without being a pair. */
  rivals: tf.Tensor2D;
  /** Weight of the descriptors' loss. */
  descriptor: number;
  /** Weight of this process's loss, which sum to 1 over the processes; absent: it trains alone. */
  share?: number | undefined;
}

/** Factor from cosines of descriptors to logits. */
const DESCRIPTOR_SCALE = 20;

/** @param similarity parameters, [1] each, that make logits of similarities. */
export function lossOfWindows(
  { maps, templates, windows }: LocalisationTerms<tf.Tensor>,
  { logScale, midpoint }: Record<'logScale' | 'midpoint', tf.Tensor1D>,
  { positive, ignored, rivals, descriptor }: LocalisationBatch,
): tf.Scalar {
  const all = maps as tf.Tensor4D;
  return tf.addN([
    localisationLoss(all, logScale, { positive, ignored, rivals }),
    tf.mul(descriptorLoss(templates as tf.Tensor2D, windows as tf.Tensor2D, rivals), descriptor),
    midpointLoss(withoutGradient(all), withoutGradient(logScale), midpoint, positive),
  ]) as tf.Scalar;
}

/**
 * Cross-entropy of "match" for each window with its own template and with the next one, by the largest similarity at the
 * right places. Only the midpoint learns from it.
 */
function midpointLoss(
  maps: tf.Tensor4D,
  logScale: tf.Tensor1D,
  midpoint: tf.Tensor1D,
  positive: tf.Tensor3D,
): tf.Scalar {
  const pairs = positive.shape[0];
  const atPlaces = tf.add(maps, tf.mul(tf.sub(positive, 1), 1e4));
  const peaks = tf.max(atPlaces, [2, 3]); // [T, W]
  const logits = tf.mul(tf.sub(peaks, midpoint), tf.exp(logScale));
  const picked = (row: (window: number) => number) => {
    const rows = tf.tensor1d(
      Array.from({ length: pairs }, (_, window) => row(window)),
      'int32',
    );
    const selection = tf.cast(tf.oneHot(rows, maps.shape[0]), 'float32'); // [W, T]
    return tf.sum(tf.mul(tf.transpose(logits), selection), 1); // [W]
  };
  const own = tf.softplus(tf.neg(picked((window) => window)));
  const other = tf.softplus(picked((window) => (window + 1) % pairs));
  return tf.add(tf.mean(own), tf.mean(other)) as tf.Scalar;
}

/**
 * Cross-entropy of each window among the templates, and of its template among the windows, by the cosines of their
 * descriptors (van den Oord et al., Representation Learning with Contrastive Predictive Coding, 2018).
 */
function descriptorLoss(templates: tf.Tensor2D, windows: tf.Tensor2D, rivals: tf.Tensor2D): tf.Scalar {
  const pairs = windows.shape[0];
  const logits = tf.mul(tf.matMul(unitRows(templates), unitRows(windows), false, true), DESCRIPTOR_SCALE);
  const allowed = tf.add(logits, tf.mul(tf.sub(rivals, 1), 1e4)) as tf.Tensor2D; // [T, W]
  const labels = tf.range(0, pairs, 1, 'int32');
  const amongTemplates = softmaxCrossEntropy(tf.transpose(allowed), labels);
  const amongWindows = softmaxCrossEntropy(tf.slice(allowed, 0, pairs), labels);
  return tf.mul(tf.add(tf.mean(amongTemplates), tf.mean(amongWindows)), 0.5) as tf.Scalar;
}

const unitRows = (rows: tf.Tensor2D): tf.Tensor2D => {
  const [n, d] = rows.shape;
  return tf.reshape(unitCells(tf.reshape(rows, [n, 1, 1, d])), [n, d]);
};
