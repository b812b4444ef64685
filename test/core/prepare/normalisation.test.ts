import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Dataset } from '../../../packages/core/src/dataset/dataset.ts';
import { PatchError } from '../../../packages/core/src/errors.ts';
import { fitNormalisation, normalisationOptionsSchema } from '../../../packages/core/src/prepare/fit_normalisation.ts';
import { normalisationSchema } from '../../../packages/core/src/prepare/normalisation.ts';
import { preparePatch } from '../../../packages/core/src/prepare/prepared_patches.ts';
import type { Raster, Unit } from '../../../packages/core/src/raster/raster.ts';

const SIDE = 16;

/** Patches drawn by a rule: value(index, pixel). */
function dataset(value: (index: number, pixel: number) => number, unit: Unit = 'amplitude', count = 40): Dataset {
  const patch = (index: number, of: Unit): Raster => ({
    data: Float32Array.from({ length: SIDE * SIDE }, (_, pixel) => value(index, pixel)),
    ...{ width: SIDE, height: SIDE, bands: 1, unit: of },
  });
  return {
    header: {
      doppel: 'pairs',
      version: 1,
      side: SIDE,
      sar: { unit, bands: 1 },
      optical: { unit: 'digital number', bands: 1 },
    },
    records: Array.from({ length: count }, (_, i) => ({ sar: `${i}.sar.tif`, optical: `${i}.optical.tif` })),
    readSar: async (index: number) => patch(index, unit),
    readOptical: async (index: number) => patch(index, 'digital number'),
  } as unknown as Dataset;
}

const all = (count = 40) => Array.from({ length: count }, (_, i) => i);
const options = (given: object = {}) => normalisationOptionsSchema.parse(given);

describe('fitNormalisation', () => {
  it('takes percentiles of the samples of the given records only', async () => {
    const data = dataset((index, pixel) => (index < 20 ? pixel % 101 : 1e9));
    const fitted = await fitNormalisation(data, all(20), options({ sar: { clipPercentiles: [10, 90] } }));
    expect(fitted.sar.clip!.low).toBeCloseTo(9, -0.5);
    expect(fitted.sar.clip!.high).toBeCloseTo(89, -0.7);
    expect(normalisationSchema.parse(JSON.parse(JSON.stringify(fitted)))).toEqual(fitted);
  });

  it('makes training patches of mean 0 and deviation 1, all together, where asked', async () => {
    const rng = Rng.derive(1, 'test');
    const values = Array.from({ length: 40 }, (_, index) =>
      Float32Array.from({ length: SIDE * SIDE }, () => index + 3 * rng.normal()),
    );
    const data = dataset((index, pixel) => values[index]![pixel]!, 'dB');
    const fitted = await fitNormalisation(data, all(), options({ sar: { standardise: 'dataset' } }));
    const prepared = await Promise.all(all().map(async (i) => preparePatch(await data.readSar(i), 'sar', fitted, 'x')));
    const flat = prepared.flatMap((patch) => [...patch]);
    const mean = flat.reduce((a, b) => a + b, 0) / flat.length;
    const variance = flat.reduce((a, b) => a + (b - mean) ** 2, 0) / flat.length;
    expect(mean).toBeCloseTo(0, 3);
    expect(variance).toBeCloseTo(1, 3);
    expect(fitted.optical).not.toHaveProperty('mean');
  });

  it('works in dB on intensity, in the unit of the data on others, and in the unit asked for', async () => {
    const positive = (index: number, pixel: number) => 1 + index + pixel;
    const unitOf = async (unit: Unit, given = {}) =>
      (await fitNormalisation(dataset(positive, unit), all(), options(given))).sar.unit;
    expect(await unitOf('intensity')).toBe('dB');
    expect(await unitOf('amplitude')).toBe('amplitude');
    expect(await unitOf('amplitude', { sar: { unit: 'dB' } })).toBe('dB');
    const inDb = await fitNormalisation(
      dataset(positive, 'intensity'),
      all(),
      options({ sar: { clipPercentiles: [0, 100] } }),
    );
    expect(inDb.sar.clip!.low).toBeCloseTo(0, 4);
    expect(inDb.sar.clip!.high).toBeCloseTo(10 * Math.log10(1 + 39 + 255), 4);
  });

  it('leaves out what is missing', async () => {
    const data = dataset((_, pixel) => (pixel % 2 === 0 ? Number.NaN : pixel % 3));
    const fitted = await fitNormalisation(data, all(), options({ sar: { clipPercentiles: [0, 100] } }));
    expect(fitted.sar.clip).toEqual({ low: 0, high: 2 });
  });

  it('refuses data without contrast, and patches without data', async () => {
    await expect(
      fitNormalisation(
        dataset(() => 7),
        all(),
        options(),
      ),
    ).rejects.toThrow(PatchError);
    await expect(
      fitNormalisation(
        dataset(() => 7),
        all(),
        options(),
      ),
    ).rejects.toThrow(/7 everywhere/);
    const hollow = dataset((index, pixel) => (index === 3 ? Number.NaN : pixel));
    await expect(fitNormalisation(hollow, all(), options())).rejects.toThrow(/3\.sar\.tif/);
  });

  it('looks at no more than it needs of a large split', async () => {
    const read = new Set<number>();
    const data = dataset((index, pixel) => index + pixel, 'amplitude', 5000);
    const { readSar } = data;
    const counted = { ...data, readSar: (index: number) => readSar(index).finally(() => read.add(index)) };
    await fitNormalisation(counted, all(5000), options());
    expect(read.size).toBe(1024);
    expect(Math.max(...read)).toBeGreaterThan(4900);
  });
});

describe('normalisationOptionsSchema', () => {
  it('has a default for everything', () => {
    expect(options()).toEqual({
      sar: { speckleFilter: null, clipPercentiles: [0.5, 99.5], standardise: 'patch' },
      optical: { bands: 'gray', clipPercentiles: [0.5, 99.5], standardise: 'patch' },
    });
  });

  it.each([
    { sar: { unit: 'decibel' } },
    { sar: { clipPercentiles: [99, 1] } },
    { sar: { speckleFilter: { kind: 'lee', window: 6, looks: 4 } } },
    { optical: { bands: 'bgr' } },
    { sra: {} },
  ])('refuses %j', (wrong) => {
    expect(normalisationOptionsSchema.safeParse(wrong).success).toBe(false);
  });
});
