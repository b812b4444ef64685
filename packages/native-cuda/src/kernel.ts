/** A kernel of the addon: a tfjs kernel name and a function that may decline, and then tfjs's JavaScript kernel runs. */
import type * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from './backend.ts';

export type Inputs = Record<string, tf.TensorInfo> & ArrayLike<tf.TensorInfo>;
// biome-ignore lint/suspicious/noExplicitAny: each kernel knows its own attributes; tfjs types them as a bag.
export type Attributes = any;

export interface AddonKernel {
  name: string;
  /** Undefined where this kernel does not serve these types or attributes. */
  run(backend: AddonBackend, inputs: Inputs, attrs: Attributes): tf.TensorInfo | tf.TensorInfo[] | undefined;
}

export const float = (shape: number[]) => ({ shape, dtype: 'float32' as const });

/** The tensor as rows of channels. */
export const rowsOf = (x: tf.TensorInfo) => ({ rows: sizeOf(x.shape.slice(0, -1)), channels: x.shape.at(-1)! });

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

/** Strides in elements of a contiguous tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

/**
 * Merges neighbouring dimensions that every operand walks through as one, and drops those of size 1: fewer, longer loops.
 * `strides` holds one list an operand.
 */
export function mergeDimensions(
  dims: readonly number[],
  strides: readonly number[][],
): { dims: number[]; strides: number[][] } {
  const merged: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let d = 0; d < dims.length; d++) {
    if (dims[d] === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && out.every((list, i) => list[last] === strides[i]![d]! * dims[d]!)) {
      merged[last]! *= dims[d]!;
      for (const [i, list] of out.entries()) list[last] = strides[i]![d]!;
    } else {
      merged.push(dims[d]!);
      for (const [i, list] of out.entries()) list.push(strides[i]![d]!);
    }
  }
  if (merged.length === 0) {
    merged.push(1);
    for (const list of out) list.push(0);
  }
  return { dims: merged, strides: out };
}
