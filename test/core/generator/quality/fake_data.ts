/** Amplitude patches of many places, and generators that can be seen through. */

import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import type { Dataset, PairRecord } from '../../../../packages/core/src/dataset/dataset.ts';
import type { Split } from '../../../../packages/core/src/dataset/patch_pair.ts';
import type { LatentGenerator } from '../../../../packages/core/src/generator/latent.ts';
import type { Normalisation } from '../../../../packages/core/src/prepare/normalisation.ts';
import { preparePatch } from '../../../../packages/core/src/prepare/prepared_patches.ts';

export const SIDE = 32;
const EACH = 30;
const SPLITS: Record<Split, [number, number]> = { train: [0, 8], validation: [8, 12], test: [12, 16] };

export const normalisation: Normalisation = {
  version: 1,
  side: SIDE,
  sar: {
    ...{ source: 'amplitude', unit: 'amplitude', bands: 1, speckleFilter: null },
    ...{ clip: { low: 1, high: 60 }, standardise: 'patch' },
  },
  optical: { bands: 'gray', clip: null, standardise: 'patch' },
};

const drawn = new Map<number, Float32Array>();

/** A wave on the ground under speckle of four looks; drawn once, since every evaluation reads all patches. */
function amplitudes(index: number): Float32Array {
  const known = drawn.get(index) ?? draw(index);
  drawn.set(index, known);
  return known.slice();
}

function draw(index: number): Float32Array {
  const rng = Rng.derive(index, 'ground');
  const [u, v, phase] = [0.15 * rng.normal(), 0.15 * rng.normal(), 6 * rng.float()];
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const ground = 200 * (1.5 + Math.sin(u * (i % SIDE) + v * Math.floor(i / SIDE) + phase));
    return Math.sqrt((ground * rng.gamma(4)) / 4);
  });
}

const raster = (index: number) => ({
  ...{ data: amplitudes(index), width: SIDE, height: SIDE, bands: 1, unit: 'amplitude' as const },
});

export function fakeDataset(): Dataset {
  const records = Array.from({ length: 16 * EACH }, (_, i): PairRecord => {
    const group = `place-${Math.floor(i / EACH)}`;
    return { id: `pair-${i}`, group, sar: `${i}.sar.tif`, optical: `${i}.tif`, label: 1, provenance: 'real' };
  });
  const indicesOf = (split: Split) => {
    const [from, to] = SPLITS[split].map((place) => place * EACH) as [number, number];
    return Array.from({ length: to - from }, (_, i) => from + i);
  };
  const refuse = () => Promise.reject(new Error('no optical patches here'));
  return {
    folder: 'fake',
    header: {
      ...{ doppel: 'pairs', version: 1, side: SIDE },
      ...{ sar: { unit: 'amplitude', bands: 1 }, optical: { unit: 'digital number', bands: 1 } },
    },
    ...{ records, indicesOf, fingerprint: 'f'.repeat(64), splits: undefined, splitOf: () => undefined },
    ...{ readSar: async (index: number) => raster(index), readOptical: refuse, read: refuse, readWindow: refuse },
    ...{ scenes: [], scenesOf: () => [] },
  };
}

export const prepared = (index: number) => preparePatch(raster(index), 'sar', normalisation, '');

/** Patch i of all that a generator decodes, whatever its latent vector. */
export function fakeGenerator(
  patch: (i: number) => Float32Array,
  change: Partial<LatentGenerator['info']> = {},
): LatentGenerator {
  let made = 0;
  return {
    info: {
      ...{ side: SIDE, latent: 6, fingerprint: 'g'.repeat(64), normalisation },
      trainedOn: { dataFingerprint: 'f'.repeat(64), places: { train: ['place-0'], validation: [] } },
      ...change,
    },
    encode: (x) => ({ mu: tf.zeros([x.shape[0], 6]), logvar: tf.zeros([x.shape[0], 6]) }),
    decode(z) {
      const data = new Float32Array(z.shape[0] * SIDE * SIDE);
      for (let i = 0; i < z.shape[0]; i++) data.set(patch(made++), i * SIDE * SIDE);
      return tf.tensor4d(data, [z.shape[0], SIDE, SIDE, 1]);
    },
    dispose: () => {},
  };
}

/** Real patches of places that are in no split. */
export const fresh = (i: number) => prepared(100_000 + i);

export function noisePatch(i: number): Float32Array {
  const rng = Rng.derive(i, 'noise patch');
  return Float32Array.from({ length: SIDE * SIDE }, () => rng.normal());
}
