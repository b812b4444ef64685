/**
 * A generator, a matcher and data that fit each other and can be seen through: a latent vector is the patch itself, and the
 * matcher likes two patches the more, the less they differ. A record's optical patch equals its SAR patch.
 */

import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Split } from '../../../packages/core/src/dataset/patch_pair.ts';
import type { LatentGenerator } from '../../../packages/core/src/generator/latent.ts';
import { standardiseAgain } from '../../../packages/core/src/generator/match_histogram.ts';
import type { Bench } from '../../../packages/core/src/mining/strategy.ts';
import type { Normalisation } from '../../../packages/core/src/prepare/normalisation.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { guardWhere } from '../dataset/fake_guard.ts';

export const SIDE = 8;
const LENGTH = SIDE * SIDE;
export const SIGMA = 0.5;

export const normalisation: Normalisation = {
  version: 1,
  side: SIDE,
  sar: {
    source: 'amplitude',
    unit: 'amplitude',
    bands: 1,
    speckleFilter: null,
    clip: { low: 0, high: 9 },
    standardise: 'patch',
  },
  optical: { bands: 'gray', clip: null, standardise: 'patch' },
};

/** Standardised noise, the same for the same record. */
export function patchOf(record: number): Float32Array {
  const rng = Rng.derive(record, 'fake patch');
  return standardiseAgain(
    Float32Array.from({ length: LENGTH }, () => rng.normal()),
    normalisation,
  );
}

export const patches = { sar: patchOf, optical: patchOf };

export function fakeGenerator(change: Partial<LatentGenerator['info']> = {}): LatentGenerator {
  return {
    info: {
      side: SIDE,
      latent: LENGTH,
      fingerprint: 'a'.repeat(64),
      normalisation,
      trainedOn: { dataFingerprint: dataset.fingerprint, places: { train: ['p0', 'p1', 'p2'], validation: [] } },
      ...change,
    },
    encode: (x) => {
      const mu = tf.reshape(x, [x.shape[0], LENGTH]) as tf.Tensor2D;
      return { mu, logvar: tf.fill(mu.shape, 2 * Math.log(SIGMA)) as tf.Tensor2D };
    },
    decode: (z) => tf.reshape(z, [z.shape[0], SIDE, SIDE, 1]) as tf.Tensor4D,
    dispose: () => {},
  };
}

/** [N, side, side, 1] each, one of them perhaps a single row → [N]: 4 − 4·mean squared difference. */
const score = (sar: tf.Tensor4D, optical: tf.Tensor4D): tf.Tensor1D =>
  tf.tidy(() => tf.sub(4, tf.mul(4, tf.mean(tf.square(tf.sub(sar, optical)), [1, 2, 3]))) as tf.Tensor1D);

export const model = {
  scorer: {
    score,
    halves: {
      sar: (x: tf.Tensor4D) => tf.clone(x),
      optical: (x: tf.Tensor4D) => tf.clone(x),
      join: score,
      features: (x: tf.Tensor4D) => tf.reshape(x, [x.shape[0], LENGTH]) as tf.Tensor2D,
    },
  },
  info: { side: SIDE, sarBands: 1, opticalBands: 1, fingerprint: 'm'.repeat(64), calibration: { temperature: 1 } },
  normalisation,
};

/** Twelve records of six places; three train. */
export const dataset = {
  folder: 'fake',
  fingerprint: 'fake data',
  records: Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `r${i}`, sar: `sar/${i}.tif`, optical: `optical/${i}.tif`, group: `p${Math.floor(i / 2)}` },
    ...{ label: 1 as const, provenance: 'real' as const },
  })),
  indicesOf: (split: Split) => ({ train: [0, 1, 2, 3, 4, 5], validation: [6, 7, 8], test: [9, 10, 11] })[split],
};

/** Records of the same place are neighbours. */
export const guard = guardWhere((i, j) => Math.floor(i / 2) === Math.floor(j / 2), dataset.records.length);

export const fakeBench = (change: Partial<Bench> = {}): Bench => ({
  ...{ store: new MemoryStore(), dataset, split: 'train', model, patches, guard, generator: fakeGenerator(), seed: 1 },
  ...change,
});
