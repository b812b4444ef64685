import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { momentsOf } from '../../../packages/core/src/base/moments.ts';
import { PatchError } from '../../../packages/core/src/errors.ts';
import { type Normalisation, normalisationSchema } from '../../../packages/core/src/prepare/normalisation.ts';
import { readPatches, shapeOf, toTensor } from '../../../packages/core/src/prepare/patch_source.ts';
import { PatchCache, preparePatch } from '../../../packages/core/src/prepare/prepared_patches.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';

const SIDE = 8;

const normalisation = (
  changes: { sar?: Partial<Normalisation['sar']>; optical?: Partial<Normalisation['optical']> } = {},
) =>
  normalisationSchema.parse({
    version: 1,
    side: SIDE,
    sar: {
      ...{ source: 'amplitude', unit: 'amplitude', bands: 1, speckleFilter: null, clip: null, standardise: 'patch' },
      ...changes.sar,
    },
    optical: { bands: 'gray', clip: null, standardise: 'patch', ...changes.optical },
  });

function raster(value: (i: number) => number, changes: Partial<Raster> = {}): Raster {
  const bands = changes.bands ?? 1;
  const data = Float32Array.from({ length: SIDE * SIDE * bands }, (_, i) => value(i));
  return { data, width: SIDE, height: SIDE, bands, unit: 'amplitude', ...changes };
}

const wave = (i: number) => 5 + Math.sin(i) * (1 + (i % 7));

describe('preparePatch', () => {
  it('gives mean 0 and standard deviation 1, whatever the values', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: SIDE * SIDE, maxLength: SIDE * SIDE }), (values) => {
        const { std, mean } = momentsOf(Float32Array.from(values));
        fc.pre(std > 1e-3 * Math.abs(mean) && std > 1e-6);
        const prepared = momentsOf(
          preparePatch(
            raster((i) => values[i]!),
            'sar',
            normalisation(),
            'x',
          ),
        );
        expect(prepared.mean).toBeCloseTo(0, 4);
        expect(prepared.std).toBeCloseTo(1, 4);
      }),
    );
  });

  it('sees the same in a patch whatever its brightness and contrast', () => {
    const dark = preparePatch(raster(wave), 'sar', normalisation(), 'x');
    const bright = preparePatch(
      raster((i) => 3 * wave(i) + 100),
      'sar',
      normalisation(),
      'x',
    );
    dark.forEach((value, i) => {
      expect(bright[i]).toBeCloseTo(value, 4);
    });
  });

  it('clips before it standardises, and by the statistics of the data set where they are given', () => {
    const spec = { clip: { low: 2, high: 6 }, standardise: 'dataset' as const, mean: 4, std: 2 };
    const prepared = preparePatch(
      raster((i) => [0, 2, 5, 100][i % 4]!),
      'sar',
      normalisation({ sar: spec }),
      'x',
    );
    expect([...prepared.slice(0, 4)]).toEqual([-1, -1, 0.5, 1]);
  });

  it('puts the mean where samples are missing, and leaves them out of the statistics', () => {
    const noData = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i < 10 ? 1 : 0));
    const value = (i: number) =>
      i < 10 ? -9999 : i === 20 ? Number.NaN : i === 21 ? Number.POSITIVE_INFINITY : wave(i);
    const prepared = preparePatch(raster(value, { noData }), 'sar', normalisation(), 'x');
    const isMissing = (i: number) => i < 10 || i === 20 || i === 21;
    expect(prepared.filter((_, i) => isMissing(i))).toEqual(new Float32Array(12));
    const { mean, std } = momentsOf(prepared.filter((_, i) => !isMissing(i)));
    expect(mean).toBeCloseTo(0, 5);
    expect(std).toBeCloseTo(1, 5);
  });

  it.each([3, 0.1, -20.7, 1e-12])('makes zeros of a patch that is %f everywhere', (value) => {
    expect(
      preparePatch(
        raster(() => value),
        'sar',
        normalisation(),
        'x',
      ),
    ).toEqual(new Float32Array(SIDE * SIDE));
  });

  it('converts to the working unit, and takes unknown units for that of the training patches', () => {
    const dB = normalisation({ sar: { unit: 'dB', standardise: 'dataset', mean: 0, std: 1 } });
    for (const unit of ['amplitude', 'digital number'] as const) {
      expect(
        preparePatch(
          raster(() => 10, { unit }),
          'sar',
          dB,
          'x',
        )[0],
      ).toBeCloseTo(20, 4);
    }
    expect(
      preparePatch(
        raster(() => 10, { unit: 'intensity' }),
        'sar',
        dB,
        'x',
      )[0],
    ).toBeCloseTo(10, 4);
    expect(
      preparePatch(
        raster(() => 10, { unit: 'dB' }),
        'sar',
        dB,
        'x',
      )[0],
    ).toBeCloseTo(10, 4);
    expect(() => preparePatch(raster(wave, { unit: 'reflectance' }), 'sar', dB, 'a.tif')).toThrow(PatchError);
  });

  it('makes luma of colour where gray is wanted, and keeps colours together where they are', () => {
    const plain = { clip: null, standardise: 'dataset' as const, mean: 0, std: 1 };
    const colour = raster((i) => [100, 10, 1][i % 3]!, { bands: 3, unit: 'digital number' });
    const gray = preparePatch(colour, 'optical', normalisation({ optical: plain }), 'x');
    expect(gray).toHaveLength(SIDE * SIDE);
    expect(gray[0]).toBeCloseTo(29.9 + 5.87 + 0.114, 4);
    const rgb = preparePatch(colour, 'optical', normalisation({ optical: { ...plain, bands: 'rgb' } }), 'x');
    expect([...rgb.slice(0, 3)]).toEqual([100, 10, 1]);
    const single = raster(wave, { unit: 'digital number' });
    expect(preparePatch(single, 'optical', normalisation({ optical: plain }), 'x')[5]).toBeCloseTo(wave(5), 4);
  });

  it.each([
    [
      'another size',
      () => raster(wave, { width: 4, height: 16 }),
      'sar',
      /a\.tif: expected 8 × 8 pixels, found 4 × 16/,
    ],
    ['two SAR bands', () => raster(wave, { bands: 2 }), 'sar', /a\.tif: expected 1 band, found 2 bands/],
    ['four optical bands', () => raster(wave, { bands: 4 }), 'optical', /expected 1 or 3 band\(s\), found 4/],
    ['NaN only', () => raster(() => Number.NaN), 'sar', /a\.tif: expected valid samples, found none/],
    ['no-data only', () => raster(wave, { noData: new Uint8Array(SIDE * SIDE).fill(1) }), 'optical', /a\.tif: .*none/],
  ] as const)('refuses a patch of %s', (_, make, modality, message) => {
    expect(() => preparePatch(make(), modality, normalisation(), 'a.tif')).toThrow(PatchError);
    expect(() => preparePatch(make(), modality, normalisation(), 'a.tif')).toThrow(message);
  });

  it('leaves the raster as it was', () => {
    const patch = raster(wave);
    const before = patch.data.slice();
    preparePatch(patch, 'sar', normalisation({ sar: { clip: { low: 4, high: 6 } } }), 'x');
    expect(patch.data).toEqual(before);
  });
});

describe('normalisationSchema', () => {
  it('wants the statistics that it standardises by, and a range the right way round', () => {
    expect(() => normalisation({ sar: { standardise: 'dataset' } })).toThrow(/mean and std/);
    expect(() => normalisation({ sar: { clip: { low: 2, high: 2 } } })).toThrow(/low must be below high/);
    expect(() => normalisation({ sar: { speckleFilter: { kind: 'lee', window: 4, looks: 1 } } })).toThrow(/odd/);
  });
});

describe('toTensor', () => {
  beforeAll(async () => void (await selectBackend({ requested: 'cpu' })));

  it('stacks the patches that a source gives, in the order of the records', async () => {
    const rgb = normalisation({ optical: { bands: 'rgb' } });
    const colour = (index: number) => raster((i) => wave(i * (index + 1)), { bands: 3, unit: 'digital number' });
    const dataset = {
      records: [],
      readSar: async () => raster(wave),
      readOptical: async (index: number) => colour(index),
    };
    const patches = await readPatches(new PatchCache(dataset, rgb), 'optical', [4, 0, 2]);
    const tensor = toTensor(patches, 'optical', shapeOf(rgb));
    expect(tensor.shape).toEqual([3, SIDE, SIDE, 3]);
    const last = (await tensor.data<'float32'>()).slice(2 * SIDE * SIDE * 3);
    expect(last).toEqual(preparePatch(colour(2), 'optical', rgb, 'x'));
    tensor.dispose();
  });
});

describe('PatchCache', () => {
  const bytes = SIDE * SIDE * 4;
  const source = () => ({
    records: Array.from({ length: 9 }, (_, i) => ({ sar: `${i}.sar.tif`, optical: `${i}.optical.tif` })) as never,
    readSar: vi.fn(async (index: number) => raster((i) => wave(i + index))),
    readOptical: vi.fn(async (index: number) => raster((i) => wave(i * index))),
  });

  it('prepares a patch once', async () => {
    const dataset = source();
    const cache = new PatchCache(dataset, normalisation());
    await Promise.all([0, 1, 2].flatMap((i) => [cache.sar(i), cache.optical(i)]));
    expect(await cache.sar(1)).toEqual(
      preparePatch(
        raster((i) => wave(i + 1)),
        'sar',
        normalisation(),
        'x',
      ),
    );
    await Promise.all([cache.sar(1), cache.optical(1), cache.sar(1)]);
    expect(dataset.readSar).toHaveBeenCalledTimes(3);
    expect(dataset.readOptical).toHaveBeenCalledTimes(3);
  });

  it('keeps no more than it may', async () => {
    const dataset = source();
    const cache = new PatchCache(dataset, normalisation(), { maxBytes: 4 * bytes });
    for (let round = 0; round < 3; round++) for (let i = 0; i < 8; i++) await cache.sar(i);
    expect(dataset.readSar).toHaveBeenCalledTimes(8 + 4 + 4);
    const none = new PatchCache(dataset, normalisation(), { maxBytes: 0 });
    for (let round = 0; round < 2; round++) await none.optical(0);
    expect(dataset.readOptical).toHaveBeenCalledTimes(2);
  });

  it('names the file of a patch that cannot be used, and tries again the next time', async () => {
    const dataset = source();
    dataset.readSar.mockResolvedValueOnce(raster(() => Number.NaN));
    const cache = new PatchCache(dataset, normalisation(), { maxBytes: bytes });
    await expect(cache.sar(4)).rejects.toThrow(/4\.sar\.tif/);
    expect(await cache.sar(4)).toHaveLength(SIDE * SIDE);
    await cache.sar(4);
    expect(dataset.readSar).toHaveBeenCalledTimes(2);
  });
});
