/**
 * Pairs among the patches of a batch. A patch takes part in several pairs (an optical patch with its own SAR patch and with
 * wrong ones) and goes through its stream, and its half of the first fusion convolution, once: more than 99 % of a
 * pseudo-siamese matcher's arithmetic. Further negatives of the same patches are then nearly free.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Pair k is SAR patch `sar[k]` with optical patch `optical[k]` of a batch: rows, not records. */
export interface Pairing {
  sar: readonly number[];
  optical: readonly number[];
}

/**
 * Rows of x by index: [n, …] → [rows, …]. tfjs's gradient of a gather needs a scatter kernel that wasm lacks; here it is
 * a product with the selection matrix, dx = Sᵀ·dy with S[k, rows[k]] = 1.
 */
export function takeRows(x: tf.Tensor4D, rows: readonly number[]): tf.Tensor4D {
  if (rows.length === x.shape[0] && rows.every((row, k) => row === k)) return x;
  const select = tf.customGrad((given) => {
    const input = given as tf.Tensor; // tfjs types it as the function that saves tensors, too
    const [n, ...rest] = input.shape;
    const value = tf.gather(input, tf.tensor1d([...rows], 'int32'));
    const gradFunc = (dy: tf.Tensor) => {
      const flat = tf.reshape(dy, [rows.length, -1]) as tf.Tensor2D;
      if (n === 1) return tf.reshape(tf.sum(flat, 0), [1, ...rest]); // tfjs has no selection among one
      const selection = tf.oneHot(tf.tensor1d([...rows], 'int32'), n as number); // [rows, n]
      return tf.reshape(tf.matMul(tf.cast(selection, 'float32') as tf.Tensor2D, flat, true), [n as number, ...rest]);
    };
    return { value, gradFunc };
  });
  return select(x) as tf.Tensor4D;
}
