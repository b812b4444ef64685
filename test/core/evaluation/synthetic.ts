/** Patches that a formula can match: each record has a code, its two patches are the code with noise of their own. */

import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { PairRecord } from '../../../packages/core/src/dataset/dataset.ts';
import type { PairScorer } from '../../../packages/core/src/matcher/scorer.ts';
import type { PatchSource } from '../../../packages/core/src/prepare/patch_source.ts';
import { guardWhere } from '../dataset/fake_guard.ts';

export const SHAPE = { side: 4, sarBands: 1, opticalBands: 1 };

export function syntheticRecords(places: number, pairsEach: number): PairRecord[] {
  return Array.from({ length: places * pairsEach }, (_, i) => ({
    id: `pair-${String(i).padStart(4, '0')}`,
    sar: `sar/${i}.png`,
    optical: `optical/${i}.png`,
    group: `place-${String(Math.floor(i / pairsEach)).padStart(2, '0')}`,
    label: 1,
    provenance: 'real',
  }));
}

/** @param noise as a multiple of the code's own spread. */
export function syntheticPatches(noise: number): PatchSource {
  const patch = (index: number, modality: string) => {
    const code = Rng.derive(index, 'code');
    const own = Rng.derive(index, modality);
    return Float32Array.from({ length: 16 }, () => code.normal() + noise * own.normal());
  };
  return { sar: (index) => patch(index, 'sar'), optical: (index) => patch(index, 'optical') };
}

/** Scores by distance, with or without halves. */
export function distanceScorer(inHalves: boolean): PairScorer {
  const join = (sar: tf.Tensor4D, optical: tf.Tensor4D) =>
    tf.tidy(() => tf.sub(2.2, tf.mean(tf.squaredDifference(sar, optical), [1, 2, 3])) as tf.Tensor1D);
  const halves = { sar: tf.clone<tf.Tensor4D>, optical: tf.clone<tf.Tensor4D>, join };
  return inHalves ? { score: join, halves } : { score: join };
}

/** Patches of one place neighbour each other. */
export const byPlace = (records: readonly PairRecord[]) =>
  guardWhere((i, j) => records[i]!.group === records[j]!.group, records.length);
