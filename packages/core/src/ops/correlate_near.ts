/**
 * DoppelCorrelateNear: the correlation of two maps of features at displacements of a few cells,
 * y[n, r + i, r + j] = 1/(h·w) Σ a[n, y, x, c] · b[n, y + i, x + j, c] for i, j in −r … r, where cells outside of b
 * count as zero. A single map on one side meets every map of the other.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernel, runKernelMulti } from './kernel.ts';

export const CORRELATE_NEAR = 'DoppelCorrelateNear';
export const CORRELATE_NEAR_BACKPROP = 'DoppelCorrelateNearBackprop';

interface Inputs {
  /** [n, h, w, c], or [1, h, w, c] */
  a: tf.Tensor4D;
  b: tf.Tensor4D;
}

interface BackpropInputs extends Inputs {
  /** [n, 2·reach + 1, 2·reach + 1] */
  dy: tf.Tensor3D;
}

interface Attributes {
  /** Largest displacement, in cells. */
  reach: number;
}

/**
 * Correlation of row n of a with row n of b, both [n or 1, h, w, c], at displacements of b from −reach to reach cells:
 * [n, 2·reach + 1, 2·reach + 1].
 *
 * @throws Error if the maps differ in size, or in number with neither single
 */
export function correlateNear(a: tf.Tensor4D, b: tf.Tensor4D, reach: number): tf.Tensor3D {
  const isPaired = a.shape[0] === b.shape[0] || a.shape[0] === 1 || b.shape[0] === 1;
  if (!isPaired || !tf.util.arraysEqual(a.shape.slice(1), b.shape.slice(1))) {
    throw new Error(
      `correlateNear needs maps of one size, in pairs or one against all, found ${a.shape} and ${b.shape}`,
    );
  }
  return runKernel(CORRELATE_NEAR, { a, b }, { reach });
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Places in the padded b and in y, row by row. */
function displacements(reach: number): { row: number; column: number }[] {
  const side = range(2 * reach + 1);
  return side.flatMap((row) => side.map((column) => ({ row, column })));
}

function padded(x: tf.Tensor4D, before: [number, number], after: [number, number]): tf.Tensor4D {
  return tf.pad(x, [
    [0, 0],
    [before[0], after[0]],
    [before[1], after[1]],
    [0, 0],
  ]);
}

export function correlateNearReference({ a, b }: Inputs, { reach }: Attributes): tf.Tensor {
  const [, h, w, c] = a.shape;
  const wide = padded(b, [reach, reach], [reach, reach]);
  const products = displacements(reach).map(({ row, column }) =>
    tf.sum(tf.mul(a, tf.slice(wide, [0, row, column, 0], [-1, h, w, c])), [1, 2, 3]),
  );
  return tf.div(tf.reshape(tf.stack(products, 1), [-1, 2 * reach + 1, 2 * reach + 1]), h * w);
}

/** The sum over all maps where x is a single one. */
const summedLike = (dx: tf.Tensor, x: tf.Tensor4D) => (x.shape[0] < dx.shape[0]! ? tf.sum(dx, 0, true) : dx);

/** Gradients da and db. */
export function correlateNearBackpropReference({ dy, a, b }: BackpropInputs, { reach }: Attributes): tf.Tensor[] {
  const [, h, w, c] = a.shape;
  const last = 2 * reach;
  const wide = padded(b, [reach, reach], [reach, reach]);
  const terms = displacements(reach).map(({ row, column }) => {
    const d = tf.reshape(tf.div(tf.slice(dy, [0, row, column], [-1, 1, 1]), h * w), [-1, 1, 1, 1]);
    const da = tf.mul(d, tf.slice(wide, [0, row, column, 0], [-1, h, w, c]));
    const db = padded(tf.mul(d, a) as tf.Tensor4D, [row, column], [last - row, last - column]);
    return { da, db };
  });
  const da = terms.map((term) => term.da).reduce((sum, term) => tf.add(sum, term));
  const db = terms.map((term) => term.db).reduce((sum, term) => tf.add(sum, term));
  return [summedLike(da, a), summedLike(tf.slice(db, [0, reach, reach, 0], [-1, h, w, c]), b)];
}

export const correlateNearGradient: Gradient = {
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, [a, b], attrs) => {
    const [da, db] = runKernelMulti(CORRELATE_NEAR_BACKPROP, { dy: dy as tf.Tensor, a: a!, b: b! }, attrs);
    return { a: () => da!, b: () => db! };
  },
};
