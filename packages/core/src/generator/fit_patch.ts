/**
 * Fits the patches of a data set to the side of the networks: padding by reflection to a power of 2, cropping back, and
 * averaging down to the side of a stage of growth.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Rows and columns of padding before the patch; as many, or one more, come after it. */
const marginOf = (side: number, padded: number): number => (padded - side) >> 1;

/** Source position in the patch for each position of the padded side: 2 1 | 0 1 2 3 | 2 1. */
export function reflection(side: number, padded: number): Int32Array {
  if (padded < side || padded - marginOf(side, padded) - side >= side) {
    throw new RangeError(`patches of side ${side} cannot be padded to ${padded}`);
  }
  const margin = marginOf(side, padded);
  return Int32Array.from({ length: padded }, (_, i) => {
    const position = Math.abs(i - margin);
    return position < side ? position : 2 * (side - 1) - position;
  });
}

/** [side, side] → [padded, padded]; the patch itself where there is nothing to pad. */
export function padPatch(patch: Float32Array, side: number, padded: number): Float32Array {
  if (side === padded) return patch;
  const from = reflection(side, padded);
  const out = new Float32Array(padded * padded);
  for (let row = 0; row < padded; row++) {
    for (let column = 0; column < padded; column++) {
      out[row * padded + column] = patch[from[row]! * side + from[column]!]!;
    }
  }
  return out;
}

/** [n, side, side, 1] → [n, padded, padded, 1] */
export function padPatches(x: tf.Tensor4D, padded: number): tf.Tensor4D {
  const side = x.shape[1];
  if (side === padded) return tf.clone(x);
  return tf.tidy(() => {
    const from = tf.tensor1d(reflection(side, padded), 'int32');
    return tf.gather(tf.gather(x, from, 1), from, 2) as tf.Tensor4D;
  });
}

/** The reverse of `padPatches`; differentiable. */
export function cropPatches(x: tf.Tensor4D, side: number): tf.Tensor4D {
  const [count, padded] = x.shape;
  const margin = marginOf(side, padded);
  return side === padded ? x : tf.slice(x, [0, margin, margin, 0], [count, side, side, 1]);
}

/** [side, side] → [to, to] by the mean of squares of pixels; `to` divides the side. */
export function shrinkPatch(patch: Float32Array, side: number, to: number): Float32Array {
  if (side === to) return patch;
  const factor = side / to;
  const out = new Float32Array(to * to);
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) {
      let sum = 0;
      for (let y = row * factor; y < (row + 1) * factor; y++) {
        for (let x = column * factor; x < (column + 1) * factor; x++) sum += patch[y * side + x]!;
      }
      out[row * to + column] = sum / factor ** 2;
    }
  }
  return out;
}

/**
 * Patch at the detail of a level that is being faded in: (1 − alpha) · the patch at half its side + alpha · the patch.
 */
export function fadePatch(patch: Float32Array, side: number, alpha: number): Float32Array {
  if (alpha >= 1) return patch;
  const coarse = shrinkPatch(patch, side, side / 2);
  return patch.map((value, i) => {
    const [row, column] = [Math.floor(i / side), i % side];
    return alpha * value + (1 - alpha) * coarse[(row >> 1) * (side / 2) + (column >> 1)]!;
  });
}
