import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Normalisation } from '../../../packages/core/src/prepare/normalisation.ts';
import { preparePatch } from '../../../packages/core/src/prepare/prepared_patches.ts';
import { PreparedWindows } from '../../../packages/core/src/prepare/prepared_windows.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';

const SIDE = 24;

function normalisation(standardise: 'patch' | 'dataset', bands: 'gray' | 'rgb', lee = false): Normalisation {
  const statistics = standardise === 'dataset' && { mean: 12.3, std: 4.5 };
  return {
    ...{ version: 1, side: SIDE },
    sar: {
      ...{ source: 'amplitude', unit: 'dB', bands: 1, clip: { low: 6, high: 44.7 }, standardise, ...statistics },
      speckleFilter: lee ? { kind: 'lee', window: 5, looks: 4 } : null,
    },
    optical: { bands, clip: { low: 3, high: 240.5 }, standardise, ...statistics },
  };
}

function image(modality: 'sar' | 'optical', kind: 'whole' | 'missing' | 'float' | 'wide'): Raster {
  const rng = Rng.derive(7, modality, kind);
  const bands = modality === 'sar' ? 1 : 3;
  const unit = modality === 'sar' ? 'amplitude' : 'digital number';
  const data = Float32Array.from({ length: SIDE * SIDE * bands }, () => rng.int(kind === 'wide' ? 3000 : 256));
  if (kind === 'float') data[5] = 3.25;
  const noData = new Uint8Array(SIDE * SIDE);
  if (kind === 'missing') {
    noData.fill(1, 30, 50);
    data.fill(Number.NaN, 30 * bands, 50 * bands);
  }
  return { data, width: SIDE, height: SIDE, bands, unit, ...(kind === 'missing' && { noData }) };
}

describe('PreparedWindows', () => {
  it.each(
    (['sar', 'optical'] as const).flatMap((modality) =>
      (['whole', 'missing', 'float', 'wide'] as const).flatMap((kind) =>
        (['patch', 'dataset'] as const).flatMap((by) =>
          (['gray', 'rgb'] as const).map((bands) => [modality, kind, by, bands] as const),
        ),
      ),
    ),
  )('prepares %s of %s samples by %s, %s, as a patch, to the bit', async (modality, kind, by, bands) => {
    const raster = image(modality, kind);
    const windows = new PreparedWindows({ readWindow: async () => raster }, normalisation(by, bands));
    const window = { column: 0, row: 0, width: SIDE, height: SIDE };
    const expected = preparePatch(raster, modality, normalisation(by, bands), '');
    expect(expected.some((value) => value !== 0)).toBe(true);
    for (let again = 0; again < 2; again++) {
      expect([...(await windows.read('s', modality, window))]).toEqual([...expected]);
    }
  });

  it('filters speckle over the window, of another size than the patches', async () => {
    const raster = { ...image('sar', 'whole'), width: 2 * SIDE, height: SIDE / 2 };
    const windows = new PreparedWindows({ readWindow: async () => raster }, normalisation('dataset', 'gray', true));
    const plain = new PreparedWindows({ readWindow: async () => raster }, normalisation('dataset', 'gray'));
    const window = { column: 0, row: 0, width: 2 * SIDE, height: SIDE / 2 };
    const [filtered, unfiltered] = [await windows.read('s', 'sar', window), await plain.read('s', 'sar', window)];
    expect(filtered).toHaveLength(SIDE * SIDE);
    const range = (values: Float32Array) => Math.max(...values) - Math.min(...values);
    expect(range(filtered)).toBeLessThan(range(unfiltered));
  });

  it('makes zeros of a window without a valid sample', async () => {
    const raster: Raster = {
      ...{ data: new Float32Array(16).fill(Number.NaN), width: 4, height: 4, bands: 1, unit: 'amplitude' },
      noData: new Uint8Array(16).fill(1),
    };
    const windows = new PreparedWindows({ readWindow: async () => raster }, normalisation('patch', 'gray'));
    const window = { column: 0, row: 0, width: 4, height: 4 };
    expect([...(await windows.read('s', 'sar', window))]).toEqual(new Array(16).fill(0));
  });
});
