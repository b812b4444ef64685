/**
 * A synthetic data set: each record has a pattern of a few waves, its optical patch shows the pattern, its SAR patch the
 * pattern's steepness with noise. Learnable, quick to make, and in no file.
 */

import { Rng } from '../../../../packages/core/src/base/random.ts';
import type { Dataset, PairRecord } from '../../../../packages/core/src/dataset/dataset.ts';
import type { Split } from '../../../../packages/core/src/dataset/patch_pair.ts';
import {
  fitNormalisation,
  normalisationOptionsSchema,
} from '../../../../packages/core/src/prepare/fit_normalisation.ts';
import type { Normalisation } from '../../../../packages/core/src/prepare/normalisation.ts';
import type { Raster, Unit } from '../../../../packages/core/src/raster/raster.ts';

export interface SyntheticOptions {
  side?: number;
  places?: number;
  pairsEach?: number;
  /** Places of the splits train, validation and test, in this order. */
  split?: readonly [number, number, number];
  /** Unit of the SAR patches. */
  unit?: Unit;
}

export function syntheticDataset({
  side = 64,
  places = 8,
  pairsEach = 3,
  split = [4, 2, 2],
  unit: sarUnit = 'digital number',
}: SyntheticOptions = {}): Dataset {
  const records = Array.from({ length: places * pairsEach }, (_, i): PairRecord => {
    const group = `place-${Math.floor(i / pairsEach)}`;
    return { id: `pair-${i}`, sar: `sar/${i}.png`, optical: `optical/${i}.png`, group, label: 1, provenance: 'real' };
  });
  const placesOf: Record<Split, [number, number]> = {
    train: [0, split[0]],
    validation: [split[0], split[0] + split[1]],
    test: [split[0] + split[1], split[0] + split[1] + split[2]],
  };
  const unit = 'digital number' as const;
  return {
    folder: 'synthetic',
    header: { doppel: 'pairs', version: 1, side, sar: { unit: sarUnit, bands: 1 }, optical: { unit, bands: 1 } },
    records,
    fingerprint: `synthetic ${side} ${places} ${pairsEach}`,
    splits: undefined,
    indicesOf: (name) => {
      const [from, to] = placesOf[name];
      return records.flatMap(({ group }, i) => {
        const place = Number(group.slice('place-'.length));
        return place >= from && place < to ? [i] : [];
      });
    },
    readSar: async (index) => ({ ...patch(side, index, 'sar'), unit: sarUnit }),
    readOptical: async (index) => patch(side, index, 'optical'),
    splitOf: () => undefined,
    read: async () => Promise.reject(new Error('not part of this data set')),
    scenes: [],
    scenesOf: () => [],
    readWindow: async () => Promise.reject(new Error('not part of this data set')),
  };
}

/** As a fresh run on the data set would record it. */
export function syntheticNormalisation(): Promise<Normalisation> {
  const dataset = syntheticDataset();
  return fitNormalisation(dataset, dataset.indicesOf('train'), normalisationOptionsSchema.parse({}));
}

export function patch(side: number, index: number, modality: 'sar' | 'optical'): Raster {
  const rng = Rng.derive(index, 'pattern');
  const waves = Array.from({ length: 4 }, () => [rng.normal() * 0.15, rng.normal() * 0.15, rng.float() * 6] as const);
  const own = Rng.derive(index, modality);
  const data = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let [value, slope] = [0, 0];
      for (const [u, v, phase] of waves) {
        value += Math.sin(u * x + v * y + phase);
        slope += u * Math.cos(u * x + v * y + phase);
      }
      data[y * side + x] = 100 + (modality === 'sar' ? 80 * slope + 10 * own.normal() : 30 * value + own.normal());
    }
  }
  return { data, height: side, width: side, bands: 1, unit: 'digital number' };
}
