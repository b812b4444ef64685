/**
 * For each true SAR patch of the test split the real one of other ground that looks most like it. No trained model has a
 * say in what looks alike, or the test would be easier for some arms than for others: patches are compared by the means and
 * the logarithmic deviations of 8 × 8 blocks, the coarse picture and its roughness.
 */

import type { PlaceGuard } from '@doppel/core/dataset';
import { forEachLikeness, highestAllowed } from '@doppel/core/mining';
import type { PatchSource } from '@doppel/core/prepare';
import * as tf from '@tensorflow/tfjs-core';

const GRID = 8;

/** 64 means, then 64 logarithms of deviations, each half standardised to unit length over its own mean. */
export function descriptor(patch: ArrayLike<number>, side: number): Float32Array {
  const sums = new Float64Array(GRID * GRID);
  const squares = new Float64Array(GRID * GRID);
  const counts = new Uint32Array(GRID * GRID);
  const blockOf = (position: number) => Math.min(Math.floor((position * GRID) / side), GRID - 1);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [block, value] = [blockOf(y) * GRID + blockOf(x), patch[y * side + x]!];
      sums[block]! += value;
      squares[block]! += value * value;
      counts[block]!++;
    }
  }
  const means = sums.map((sum, i) => sum / Math.max(counts[i]!, 1));
  const roughness = means.map((mean, i) => {
    const variance = squares[i]! / Math.max(counts[i]!, 1) - mean * mean;
    return Math.log(Math.sqrt(Math.max(variance, 0)) + 1e-3);
  });
  return Float32Array.from([...unit(means), ...unit(roughness)]);
}

function unit(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? centred.map((value) => value / length) : centred;
}

export interface LookAlikeTask {
  anchors: readonly number[];
  /** Records whose SAR patch may be chosen. */
  candidates: readonly number[];
  patches: PatchSource;
  side: number;
  guard: PlaceGuard;
  /** Anchors that a patch may be chosen for. */
  maxUses: number;
  signal?: AbortSignal | undefined;
}

/** [anchor, SAR record] for every anchor that has one; anchors take their turn in the given order. */
export async function findLookAlikes(task: LookAlikeTask): Promise<[number, number][]> {
  const { anchors, candidates, guard, maxUses, signal } = task;
  const pool = await descriptorsOf(candidates, task);
  const uses = new Map<number, number>();
  const found: [number, number][] = [];
  const isFree = (anchor: number, candidate: number) =>
    candidate !== anchor && !guard.conflict(anchor, candidate) && (uses.get(candidate) ?? 0) < maxUses;
  const rows = {
    count: anchors.length,
    rowsFrom: (start: number, end: number) => descriptorsOf(anchors.slice(start, end), task),
  };
  try {
    await forEachLikeness(rows, pool, signal, (row, likeness) => {
      const anchor = anchors[row]!;
      const [best] = highestAllowed(likeness, 1, (i) => isFree(anchor, candidates[i]!));
      if (best === undefined) return;
      const candidate = candidates[best]!;
      uses.set(candidate, (uses.get(candidate) ?? 0) + 1);
      found.push([anchor, candidate]);
    });
  } finally {
    pool.dispose();
  }
  return found;
}

/** [records, 128] */
async function descriptorsOf(records: readonly number[], { patches, side }: LookAlikeTask): Promise<tf.Tensor2D> {
  const rows = await Promise.all(records.map(async (record) => descriptor(await patches.sar(record), side)));
  const length = rows[0]?.length ?? 0;
  const all = new Float32Array(length * rows.length);
  rows.forEach((row, i) => {
    all.set(row, i * length);
  });
  return tf.tensor2d(all, [rows.length, length]);
}
