/**
 * Models and data of a handful of numbers, to mine by. A patch of record i is one pixel that holds i; the matcher takes
 * two patches for a match the more, the nearer their numbers.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { PairRecord } from '../../../packages/core/src/dataset/dataset.ts';
import type { Split } from '../../../packages/core/src/dataset/patch_pair.ts';
import type { Bench, MiningModel } from '../../../packages/core/src/mining/strategy.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { guardWhere } from '../dataset/fake_guard.ts';
import { normalisation } from './fake_generator.ts';

/** [N, 1, 1, 1] → [N] */
const flat = (x: tf.Tensor4D): tf.Tensor1D => tf.reshape(x, [x.shape[0]]);

const score = (sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D =>
  tf.sub(3, tf.abs(tf.sub(flat(sar), flat(optical))));

/** The angle of a number's features grows with it. */
const features = (x: tf.Tensor4D): tf.Tensor2D =>
  tf.stack([tf.cos(tf.mul(flat(x), 0.01)), tf.sin(tf.mul(flat(x), 0.01))], 1) as tf.Tensor2D;

export function fakeModel(
  kind: 'halves' | 'whole',
): MiningModel & { passes: { sar: number; optical: number; pairs: number } } {
  const passes = { sar: 0, optical: 0, pairs: 0 };
  const count = (name: keyof typeof passes, x: tf.Tensor4D) => {
    passes[name] += x.shape[0];
    return tf.clone(x);
  };
  const halves = {
    sar: (x: tf.Tensor4D) => count('sar', x),
    optical: (x: tf.Tensor4D) => count('optical', x),
    join: score,
    features: (x: tf.Tensor4D) => features(count('sar', x)),
  };
  const whole = (sar: tf.Tensor4D, optical: tf.Tensor4D) => score(count('pairs', sar), optical);
  return {
    passes,
    scorer: kind === 'halves' ? { score: whole, halves } : { score: whole },
    info: { side: 1, sarBands: 1, opticalBands: 1, fingerprint: 'f'.repeat(64), calibration: { temperature: 2 } },
    normalisation,
  };
}

/** True pairs, each of a place of its own. */
export const fakeRecords = (count: number): PairRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: `record ${i}`, sar: `sar/${i}.tif`, optical: `optical/${i}.tif`, group: `place ${i}` },
    ...{ label: 1 as const, provenance: 'real' as const },
  }));

/** Records 0 … count − 1 all in `train`. */
export function fakeDataset(count: number) {
  const records = fakeRecords(count);
  return {
    folder: 'data',
    fingerprint: 'd'.repeat(64),
    records,
    indicesOf: (split: Split) => (split === 'train' ? records.map((_, i) => i) : []),
  };
}

export const fakePatches = {
  sar: (index: number) => Float32Array.of(index),
  optical: (index: number) => Promise.resolve(Float32Array.of(index)),
};

/** Records within `distance` are neighbours. */
export const fakeGuard = (distance: number) => guardWhere((i, j) => Math.abs(i - j) <= distance);

/** A bench of `count` records, of which those within two of each other are neighbours. */
export const fakeBench = (change: Partial<Bench> = {}, count = 40): Bench => ({
  ...{ store: new MemoryStore(), split: 'train', seed: 1, patches: fakePatches },
  ...{ dataset: fakeDataset(count), model: fakeModel('halves'), guard: fakeGuard(2) },
  ...change,
});
