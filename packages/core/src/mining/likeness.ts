/** Look-alikes by descriptors of patches: similarities of some rows to a whole pool, and the highest that are allowed. */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';

/** Rows that are compared with the pool at a time. */
const ROWS = 256;

/**
 * Compares rows with a pool, block by block, and hands on each row's inner products with all of the pool, in order.
 *
 * @param rowsFrom rows from one index to before another, which this disposes of. @throws the signal's reason when it is
 * aborted.
 */
export async function forEachLikeness(
  { count, rowsFrom }: { count: number; rowsFrom: (start: number, end: number) => Promise<tf.Tensor2D> | tf.Tensor2D },
  pool: tf.Tensor2D,
  signal: AbortSignal | undefined,
  visit: (row: number, likeness: ArrayLike<number>) => void,
): Promise<void> {
  const size = pool.shape[0];
  for (let start = 0; start < count; start += ROWS) {
    await pause(signal);
    const rows = await rowsFrom(start, Math.min(start + ROWS, count));
    const likeness = tf.matMul(rows, pool, false, true);
    rows.dispose();
    const values = await likeness.data().finally(() => likeness.dispose());
    for (let row = 0; row < values.length / size; row++) {
      visit(start + row, values.subarray(row * size, (row + 1) * size));
    }
  }
}

/** Indices of the highest values that are allowed, highest first. Asks for few, as most are far down. */
export function highestAllowed(
  values: ArrayLike<number>,
  count: number,
  isAllowed: (index: number) => boolean,
): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const isHigher = found.length < count || values[i]! > values[found.at(-1)!]!;
    if (!isHigher || !isAllowed(i)) continue;
    const at = found.findLastIndex((other) => values[other]! >= values[i]!) + 1;
    found.splice(at, 0, i);
    found.length = Math.min(found.length, count);
  }
  return found;
}
