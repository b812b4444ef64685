/** Prepared SAR patches in one array: as they are made, measured and written to files. */
import * as tf from '@tensorflow/tfjs-core';

/** Patches one after another, each side · side numbers. */
export interface PatchStack {
  data: Float32Array;
  side: number;
  count: number;
}

export const patchAt = ({ data, side }: PatchStack, row: number): Float32Array =>
  data.subarray(row * side * side, (row + 1) * side * side);

/** @param patches of side · side samples each. */
export function stackOf(patches: readonly ArrayLike<number>[], side: number): PatchStack {
  const data = new Float32Array(patches.length * side * side);
  patches.forEach((patch, i) => {
    if (patch.length !== side * side) throw new RangeError(`patch ${i} of ${patch.length} samples, not ${side}²`);
    data.set(patch, i * side * side);
  });
  return { data, side, count: patches.length };
}

/** [count, side, side, 1] */
export const tensorOf = ({ data, side, count }: PatchStack): tf.Tensor4D => tf.tensor4d(data, [count, side, side, 1]);

/** Rows from `start` on, without copying. */
export function slice({ data, side, count }: PatchStack, start: number, end = count): PatchStack {
  const last = Math.min(end, count);
  return { data: data.subarray(start * side * side, last * side * side), side, count: last - start };
}
