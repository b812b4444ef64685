/** Rows of a batch that its processes share: each holds every `size`-th, and gathers the others where it needs them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Communicator } from './communicator.ts';

/**
 * Rows of all processes in the order of the batch: row i of process r, [own, …], is row i · size + r, [all, …]. The
 * gradient of a row is the sum of what it is to every process.
 */
export function gatherRows<T extends tf.Tensor>(x: T, communicator: Communicator): T {
  const gather = tf.customGrad((given) => {
    const input = given as tf.Tensor; // tfjs types it as the function that saves tensors, too
    const parts = communicator.allGather(bytesOf(valuesOf(input))).map(floatsOf);
    const value = interleaved(parts, input.shape);
    return { value, gradFunc: (dy: tf.Tensor) => ownRowsOfSum(dy, communicator) };
  });
  return gather(x) as T;
}

/** Own rows of the sum of a gradient over the processes. */
function ownRowsOfSum(dy: tf.Tensor, communicator: Communicator): tf.Tensor {
  const { rank, size } = communicator;
  const sum = valuesOf(dy).slice();
  communicator.allReduce(sum);
  const [rows, ...rest] = dy.shape as [number, ...number[]];
  const length = sum.length / rows;
  const own = Math.ceil((rows - rank) / size);
  const values = new Float32Array(own * length);
  for (let i = 0; i < own; i++) {
    const row = i * size + rank;
    values.set(sum.subarray(row * length, (row + 1) * length), i * length);
  }
  return tf.tensor(values, [own, ...rest]);
}

/** @param shape of the own part. */
function interleaved(parts: readonly Float32Array[], shape: readonly number[]): tf.Tensor {
  const [own, ...rest] = shape as [number, ...number[]];
  const length = rest.reduce((product, side) => product * side, 1);
  const rows = parts.reduce((sum, part) => sum + part.length / length, 0);
  if (own === 0) throw new Error('a process has no row of the batch');
  const values = new Float32Array(rows * length);
  parts.forEach((part, rank) => {
    for (let i = 0; i * length < part.length; i++) {
      values.set(part.subarray(i * length, (i + 1) * length), (i * parts.length + rank) * length);
    }
  });
  return tf.tensor(values, [rows, ...rest]);
}

/** Own rows of what follows from the whole batch, such as noise: of x [all, …], [own, …]. */
export function ownRows(x: tf.Tensor, { rank, size }: Pick<Communicator, 'rank' | 'size'>): tf.Tensor {
  return tf.gather(x, tf.range(rank, x.shape[0]!, size, 'int32'));
}

/** Rows of all processes, given a process's own number. */
export function rowsOfAll(own: number, communicator: Communicator): number {
  const counts = communicator.allGather(bytesOf(Int32Array.of(own)));
  return counts.reduce((sum, bytes) => sum + new Int32Array(bytes.slice().buffer)[0]!, 0);
}

const valuesOf = (x: tf.Tensor) => x.dataSync<'float32'>();

/** The same memory as bytes. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A copy as numbers: bytes that came from elsewhere may begin anywhere. */
export const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);
