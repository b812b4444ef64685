/** An untrained `spatial` generator that can be used at once, and patches of whole numbers to make others from. */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import type { PairRecord } from '../../../../packages/core/src/dataset/dataset.ts';
import { decodeGround, encode } from '../../../../packages/core/src/generator/architectures/spatial/networks.ts';
import { createGenerator } from '../../../../packages/core/src/generator/generator.ts';
import { grainOf } from '../../../../packages/core/src/generator/grain/grain.ts';
import { COMPONENTS, normalPoints } from '../../../../packages/core/src/generator/grain/speckle.ts';
import { frequenciesOf } from '../../../../packages/core/src/generator/grain/spectrum.ts';
import type { GrainGenerator } from '../../../../packages/core/src/generator/remake.ts';
import type { Normalisation } from '../../../../packages/core/src/prepare/normalisation.ts';
import type { Raster } from '../../../../packages/core/src/raster/raster.ts';

const NETWORKS = { cell: 2, channels: [6, 6, 6] as [number, number, number], detail: 4 };

/** @param answer of the decoder to its codes: an untrained one hardly changes its ground by them. */
export function spatialGenerator(side: number, places: string[] = [], answer = 20): GrainGenerator {
  const generator = createGenerator({ preset: 'spatial', side, ...NETWORKS, decibels: 4, seed: 3 });
  const head = generator.average.get('average.head.filter')!;
  head.assign(tf.mul(head, answer));
  const normalisation: Normalisation = {
    ...{ version: 1, side },
    sar: {
      ...{ source: 'amplitude', unit: 'dB', bands: 1, speckleFilter: null, clip: { low: 10, high: 60 } },
      ...{ standardise: 'dataset', mean: 40, std: 4 },
    },
    optical: { bands: 'gray', clip: null, standardise: 'patch' },
  };
  const squares = frequenciesOf(side) ** 2;
  return {
    info: {
      ...{ side, latent: (side / 8) ** 2 * NETWORKS.cell, cells: side / 8, fingerprint: 'a'.repeat(64), normalisation },
      trainedOn: { dataFingerprint: 'fake data', places: { train: places, validation: [] } },
    },
    encode: (x) => tf.tidy(() => encode(generator.encoder, x, {})),
    decode: (z) => tf.tidy(() => decodeGround(generator.average, z, {}).reflectivity),
    grain: grainOf({
      decode: (z) => decodeGround(generator.average, z, {}),
      statistics: {
        mean: new Float32Array(squares),
        components: new Float32Array(COMPONENTS * squares),
        quantiles: normalPoints(),
      },
      ...{ padded: side, normalisation },
    }),
    dispose: () => generator.dispose(),
  };
}

/** Speckled amplitude in whole numbers, the same for the same record. */
export function amplitudeOf(record: number, side: number): Raster {
  const rng = Rng.derive(record, 'amplitude');
  const data = Float32Array.from({ length: side * side }, (_, i) =>
    Math.round((80 + 60 * Math.sin(i / 40 + record)) * (0.5 + rng.float()) + 1),
  );
  return { data, width: side, height: side, bands: 1, unit: 'amplitude' };
}

export const recordsOf = (count: number): PairRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: `r${i}`, sar: `sar/${i}.tif`, optical: `optical/${i}.tif`, group: `p${Math.floor(i / 2)}` },
    ...{ label: 1, provenance: 'real' },
  }));
