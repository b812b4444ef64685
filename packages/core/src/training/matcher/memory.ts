/**
 * A memory of SAR patches without labels: their maps by the SAR tower, computed once an epoch, which meet the optical
 * patches of every batch as further negatives. A SAR patch of other ground needs no label to be a negative, and its maps
 * need no pass through the tower at each step (Wang et al., Cross-Batch Memory for Embedding Learning, 2020).
 *
 * Maps are constants: the tower learns from the patches of the batch alone. They lie in the run's folder while in use,
 * so that a run resumed within an epoch has the same ones.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../base/random.ts';
import type { MemorySettings } from './hard_settings.ts';

export interface Memory {
  /** Epoch (from 0) at whose start it was filled. */
  epoch: number;
  records: readonly number[];
  /** Maps of the records, [records, h, w, c]. */
  maps: Float32Array;
  /** [h, w, c] */
  shape: readonly number[];
}

/** Rows of a memory that a step meets. */
export function drawFrom(
  { records }: Memory,
  { draw }: MemorySettings,
  { seed, step }: { seed: number; step: number },
) {
  const rows = Array.from({ length: records.length }, (_, i) => i);
  return Rng.derive(seed, 'memory', step).shuffle(rows).slice(0, draw);
}

/** Maps of some rows, which the caller disposes of. */
export function mapsOf({ maps, shape }: Memory, rows: readonly number[]): tf.Tensor4D {
  const length = shape.reduce((product, side) => product * side, 1);
  const data = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    data.set(maps.subarray(row * length, (row + 1) * length), i * length);
  });
  return tf.tensor4d(data, [rows.length, ...(shape as [number, number, number])]);
}
