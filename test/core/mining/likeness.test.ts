/** Comparison of descriptors block by block, and the choice of the highest that are allowed. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { forEachLikeness, highestAllowed } from '../../../packages/core/src/mining/likeness.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

it('compares every row with the whole pool, over the border of a block, and leaves no tensors', async () => {
  const count = 258;
  const pool = tf.tensor2d([1, 0, 0, 1, 2, 2], [3, 2]);
  const before = tf.memory().numTensors;
  const rowsFrom = (start: number, end: number) =>
    tf.tensor2d(Array.from({ length: end - start }, (_, i): [number, number] => [start + i, 1]));
  const seen: number[][] = [];
  await forEachLikeness({ count, rowsFrom }, pool, undefined, (row, likeness) => {
    seen[row] = Array.from(likeness);
  });
  expect(seen).toEqual(Array.from({ length: count }, (_, row) => [row, 1, 2 * row + 2]));
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(forEachLikeness({ count, rowsFrom }, pool, stopped, () => {})).rejects.toThrow('stopped');
  expect(tf.memory().numTensors).toBe(before);
  pool.dispose();
});

it('chooses as sorting would, the first of equals first', () => {
  const rng = Rng.derive(1, 'likeness');
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 30 }, () => rng.int(8));
    const isAllowed = (i: number) => i % 3 > 0;
    const sorted = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
    const expected = sorted.filter(isAllowed);
    for (const count of [1, 4, 30]) expect(highestAllowed(values, count, isAllowed)).toEqual(expected.slice(0, count));
  }
});
