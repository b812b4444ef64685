/**
 * DoppelLocalisationLoss: how well templates are found in their own windows, over all places of all windows of a batch.
 *
 * With k = exp(logScale)·maps and template i the own one of window i, the mean over the W windows of
 * (R_i + C_i) / 2 − P_i, where each is a log-sum-exp of cells of k:
 * P_i over the positive cells of the own pair (i, i); R_i over the pairs (i, w) of the template with every window; C_i over
 * the pairs (t, i) of the window with every template. Of the own pair R and C leave out the ignored cells; of other
 * pairs they take all cells, or none where `rivals` is 0. Templates from W on have no window of their own: they are in C only.
 * The InfoNCE of van den Oord et al., Representation Learning with Contrastive Predictive Coding (2018), over places.
 *
 * One pass gives the loss and its gradients, which the tape only scales.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernelMulti } from './kernel.ts';

export const LOCALISATION_LOSS = 'DoppelLocalisationLoss';

/** Cells that count, as float32 of 0 and 1. */
export interface Localisation {
  /** [W, n, m]: cells of the own map that are right. Each window needs one that is not ignored: without, the loss is not finite. */
  positive: tf.Tensor3D;
  /** [W, n, m]: cells of the own map that are neither right nor wrong. */
  ignored: tf.Tensor3D;
  /** [T, W]: 0 for a pair that is left out, such as one of the same ground. Default: all 1. Own pairs always count. */
  rivals?: tf.Tensor2D;
}

interface Inputs extends Localisation {
  maps: tf.Tensor4D;
  logScale: tf.Tensor1D;
}

/**
 * Loss of the correlation maps [T, W, n, m] of T ≥ W templates with W windows, by the logarithm [1] of an inverse temperature.
 *
 * @throws Error if there are fewer templates than windows, or a mask is of another shape
 */
export function localisationLoss(maps: tf.Tensor4D, logScale: tf.Tensor1D, where: Localisation): tf.Scalar {
  checkShapes(maps, where);
  return runKernelMulti(LOCALISATION_LOSS, { maps, logScale, ...where }, {})[0] as tf.Scalar;
}

function checkShapes({ shape }: tf.Tensor4D, { positive, ignored, rivals }: Localisation): void {
  const [templates, windows, n, m] = shape;
  if (templates < windows) {
    throw new Error(`localisationLoss needs a template for each of ${windows} windows, found ${templates}`);
  }
  const wanted = [windows, n, m];
  const masks: [string, tf.Tensor | undefined, number[]][] = [
    ['positive', positive, wanted],
    ['ignored', ignored, wanted],
    ['rivals', rivals, [templates, windows]],
  ];
  for (const [name, mask, expected] of masks) {
    if (mask && !tf.util.arraysEqual(mask.shape, expected)) {
      throw new Error(`localisationLoss needs the mask ${name} as [${expected}], found [${mask.shape}]`);
    }
  }
}

/** x where the mask is 1, and −∞, nothing in a log-sum-exp, elsewhere. */
const only = (mask: tf.Tensor, x: tf.Tensor) => tf.where(tf.cast(mask, 'bool'), x, Number.NEGATIVE_INFINITY);

/** Loss, dmaps and dlogScale. */
export function localisationLossReference({ maps, logScale, positive, ignored, rivals }: Inputs): tf.Tensor[] {
  const [templates, windows, n, m] = maps.shape;
  const byCell = (mask: tf.Tensor) => tf.reshape(mask, [1, windows, n * m]);
  const own = tf.reshape(tf.eye(templates, windows), [templates, windows, 1]);
  const k = tf.mul(tf.reshape(maps, [templates, windows, n * m]), tf.exp(logScale));
  const ownK = tf.sum(tf.mul(k, own), 0, true); // [1, W, cells]
  const others = tf.mul(tf.sub(1, own), rivals ? tf.expandDims(rivals, 2) : 1);
  const kept = only(tf.add(others, tf.mul(own, tf.sub(1, byCell(ignored)))), k);
  const ofWindows = tf.slice(kept, 0, windows);
  const right = only(byCell(positive), ownK);

  const rows = tf.logSumExp(ofWindows, [1, 2], true); // [W, 1, 1]
  const columns = tf.logSumExp(kept, [0, 2], true); // [1, W, 1]
  const hits = tf.logSumExp(right, 2, true); // [1, W, 1]
  const perWindow = tf.sub(
    tf.div(tf.add(tf.reshape(rows, [-1]), tf.reshape(columns, [-1])), 2),
    tf.reshape(hits, [-1]),
  );

  const rowShares = tf.pad(tf.exp(tf.sub(ofWindows, rows)), [
    [0, templates - windows],
    [0, 0],
    [0, 0],
  ]);
  const shares = tf.div(tf.add(rowShares, tf.exp(tf.sub(kept, columns))), 2);
  const dk = tf.div(tf.sub(shares, tf.mul(own, tf.exp(tf.sub(right, hits)))), windows);
  const dmaps = tf.reshape(tf.mul(dk, tf.exp(logScale)), maps.shape);
  return [tf.mean(perWindow), dmaps, tf.reshape(tf.sum(tf.mul(dk, k)), [1])];
}

export const localisationLossGradient: Gradient = {
  outputsToSave: [false, true, true],
  gradFunc: (douts, [dmaps, dlogScale]) => {
    const dloss = [douts].flat()[0]!;
    return { maps: () => tf.mul(dmaps!, dloss), logScale: () => tf.mul(dlogScale!, dloss) };
  },
};
