import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, isDoppelError, PatchError } from '../../../packages/core/src/errors.ts';
import { decodeRaster, openRaster } from '../../../packages/core/src/raster/open.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { sharedFolder } from '../../shared.ts';
import { CountingStore } from './counting_store.ts';
import { geoTags, type SampleType, type TiffOptions, tiffFile } from './tiff_fixture.ts';

const value = (row: number, column: number, band: number) => (row * 31 + column * 7 + band * 3) % 251;

function storeOf(bytes: Uint8Array) {
  const store = new CountingStore();
  store.files.set('scene.tif', bytes);
  return store;
}

const read = (options: Omit<TiffOptions, 'value'>) => decodeRaster(tiffFile({ ...options, value }), 'scene.tif');

describe('layouts', () => {
  const layouts = fc.record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    bands: fc.integer({ min: 1, max: 4 }),
    type: fc.constantFrom<SampleType>('uint8', 'int16', 'uint16', 'float32', 'float64'),
    tile: fc.option(fc.constant(16), { nil: undefined }),
    rowsPerStrip: fc.integer({ min: 1, max: 12 }),
    isPlanar: fc.boolean(),
    isBigEndian: fc.boolean(),
    isBigTiff: fc.boolean(),
    isDeflated: fc.boolean(),
  });

  it('reads tiles and strips, planes and pixels, both byte orders, BigTIFF, compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ tile, ...rest }) => {
        const raster = await read({ ...rest, ...(tile && { tile }) });
        const { width, height, bands } = rest;
        expect([raster.width, raster.height, raster.bands]).toEqual([width, height, bands]);
        const wanted = Array.from(raster.data, (_, i) =>
          value(Math.floor(i / bands / width), Math.floor(i / bands) % width, i % bands),
        );
        expect(Array.from(raster.data)).toEqual(wanted);
        expect(raster.noData).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it('reads a window and a choice of bands as a cut of the whole', async () => {
    const bytes = tiffFile({ width: 37, height: 29, bands: 3, tile: 16, isDeflated: true, value });
    const file = await openRaster(storeOf(bytes), 'scene.tif');
    const part = await file.read({ column: 10, row: 5, width: 20, height: 17 }, [2, 0]);
    for (let i = 0; i < 20 * 17; i++) {
      const [row, column] = [5 + Math.floor(i / 20), 10 + (i % 20)];
      expect([part.data[2 * i], part.data[2 * i + 1]]).toEqual([value(row, column, 2), value(row, column, 0)]);
    }
  });
});

describe('reading no more than it needs', () => {
  const side = 1024;
  const whole = side * side * 4;
  const options = { width: side, height: side, type: 'float32', value } as const;

  it.each([
    ['tiles', tiffFile({ ...options, tile: 128 }), 4 * 128 * 128 * 4],
    ['strips', tiffFile({ ...options, rowsPerStrip: 8 }), 9 * 8 * side * 4],
    ['a single strip', tiffFile(options), 3 * 2 ** 18],
    ['planes of one strip each', tiffFile({ ...options, bands: 2, isPlanar: true }), 2 * 3 * 2 ** 18],
  ])('%s', async (_, bytes, bound) => {
    const store = storeOf(bytes);
    const file = await openRaster(store, 'scene.tif');
    expect(store.bytesRead).toBeLessThan(whole / 50);
    const raster = await file.read({ column: 500, row: 700, width: 64, height: 64 });
    expect(raster.data[0]).toBe(value(700, 500, 0));
    expect(store.bytesRead).toBeLessThan(bound + whole / 50);
    expect(store.bytesRead).toBeLessThan(whole / 2);
  });
});

describe('georeference, missing pixels and colours', () => {
  it('gives the CRS and the transform of the outer corner, and of a window', async () => {
    const tags = geoTags(500_000, 4_000_000, 10);
    const file = await openRaster(storeOf(tiffFile({ width: 8, height: 8, tags, value })), 'scene.tif');
    expect(file.crs).toBe('EPSG:32611');
    expect(file.transform).toEqual([500_000, 10, 0, 4_000_000, 0, -10]);
    const part = await file.read({ column: 2, row: 3, width: 4, height: 4 });
    expect(part.transform).toEqual([500_020, 10, 0, 3_999_970, 0, -10]);
  });

  it('moves a tie point at the centre of a pixel to its corner', async () => {
    const raster = await read({ width: 8, height: 8, tags: geoTags(500_000, 4_000_000, 10, true) });
    expect(raster.transform).toEqual([499_995, 10, 0, 4_000_005, 0, -10]);
  });

  it('reads a rotated transform', async () => {
    const tags = { 34264: { double: [8, 6, 0, 100, 6, -8, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1] } };
    expect((await read({ width: 4, height: 4, tags })).transform).toEqual([100, 8, 6, 200, 6, -8]);
  });

  it('masks the no-data value, NaN and infinities', async () => {
    const samples = [1, -9999, Number.NaN, Number.NEGATIVE_INFINITY];
    const options = { width: 2, height: 2, type: 'float32' as const, tags: { 42113: '-9999' } };
    const bytes = tiffFile({ ...options, value: (row, column) => samples[row * 2 + column]! });
    const raster = await decodeRaster(bytes, 'scene.tif');
    expect(Array.from(raster.noData!)).toEqual([0, 1, 1, 1]);
  });

  it('finds a no-data value that float32 rounds', async () => {
    const lowest = -3.4028234663852886e38;
    const tags = { 42113: '-3.4028234663852886e+38' };
    const bytes = tiffFile({ width: 2, height: 1, type: 'float32', tags, value: (_, column) => (column ? 5 : lowest) });
    expect(Array.from((await decodeRaster(bytes, 'scene.tif')).noData!)).toEqual([1, 0]);
  });

  it('takes an alpha band for a mask', async () => {
    const tags = { 338: { short: [2] }, 262: { short: [2] } };
    const bytes = tiffFile({
      width: 2,
      height: 1,
      bands: 4,
      tags,
      value: (_, column, band) => (band === 3 ? column : 9),
    });
    const raster = await decodeRaster(bytes, 'scene.tif');
    expect(raster.bands).toBe(3);
    expect(Array.from(raster.noData!)).toEqual([1, 0]);
  });

  it('turns white-is-zero around and expands a palette', async () => {
    const inverted = await read({ width: 4, height: 1, tags: { 262: { short: [0] } } });
    expect(Array.from(inverted.data)).toEqual([255, 248, 241, 234]);
    const map = Array.from({ length: 768 }, (_, i) => (i % 256) * 257);
    const palette = await read({ width: 2, height: 1, tags: { 262: { short: [3] }, 320: { short: map } } });
    expect([palette.bands, ...palette.data]).toEqual([3, 0, 0, 0, 7, 7, 7]);
  });

  it('says the unit that it is told, else "digital number"', async () => {
    expect((await read({ width: 2, height: 2 })).unit).toBe('digital number');
    const bytes = tiffFile({ width: 2, height: 2, value });
    expect((await decodeRaster(bytes, 'scene.tif', { unit: 'dB' })).unit).toBe('dB');
  });
});

describe('damaged and lying files', () => {
  const good = tiffFile({ width: 40, height: 30, bands: 2, tile: 16, isDeflated: true, tags: geoTags(0, 0, 1), value });

  it('fails with an error that names the file, wherever it is cut', async () => {
    for (let length = 0; length < good.length; length += 7) {
      const error = await decodeRaster(good.subarray(0, length), 'cut.tif').catch((each: unknown) => each);
      expect(error, `cut at ${length}`).toBeInstanceOf(FormatError);
      expect((error as FormatError).message).toContain('cut.tif');
    }
  });

  it('reads or fails with an error of ours, whatever byte is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), async (at, byte) => {
        const bytes = good.slice();
        bytes[at] = byte;
        const result = await decodeRaster(bytes, 'odd.tif').catch((each: unknown) => each);
        expect(result instanceof Error ? isDoppelError(result) : true).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  const header = (tags: TiffOptions['tags'], rest: Partial<TiffOptions> = {}) =>
    tiffFile({ width: 16, height: 16, value, ...rest, tags: tags! });

  it.each([
    ['a width of 2³¹ that one strip cannot hold', header({ 256: [2 ** 31] })],
    ['more tiles than there are', header({ 256: [100_000], 257: [100_000] }, { tile: 16 })],
    ['a strip behind the end of the file', header({ 273: [10_000_000] })],
    ['a strip that is too short', header({ 279: [10] })],
    [
      'a compressed strip that cannot hold its pixels',
      header({ 256: [65_000], 257: [65_000], 278: [65_000] }, { isDeflated: true }),
    ],
    ['no size', header({ 256: [0] })],
    ['an unknown compression', header({ 259: { short: [61_234] } })],
    ['garbage as compressed data', header({ 259: { short: [8] } })],
    ['complex samples', header({ 339: { short: [5] } })],
  ])('%s', async (_, bytes) => {
    const started = Date.now();
    await expect(decodeRaster(bytes, 'lie.tif')).rejects.toThrow(FormatError);
    await expect(decodeRaster(bytes, 'lie.tif')).rejects.toThrow('lie.tif');
    expect(Date.now() - started).toBeLessThan(2000);
  });

  it('stops inflating where a block holds more than its pixels', async () => {
    const bomb = tiffFile({ width: 3000, height: 3000, isDeflated: true, value: () => 0 });
    const small = tiffFile({
      width: 3000,
      height: 3000,
      isDeflated: true,
      value: () => 0,
      tags: { 257: [10], 278: [10] },
    });
    expect((await decodeRaster(bomb, 'zeros.tif')).data.length).toBe(9_000_000);
    await expect(decodeRaster(small, 'bomb.tif')).rejects.toThrow(/inflates to more than the 30000 bytes/);
  });

  it('refuses a window outside of the file', async () => {
    const file = await openRaster(storeOf(good), 'scene.tif');
    await expect(file.read({ column: 30, row: 0, width: 11, height: 4 })).rejects.toThrow(PatchError);
    await expect(file.read(undefined, [2])).rejects.toThrow('bands from 0 to 1');
  });
});

describe('real files', () => {
  const shared = sharedFolder();
  const skip = !shared; // where the shared data are absent

  it.skipIf(skip)('Sentinel-1 in dB, float64, and Sentinel-2 of 12 bands', async () => {
    const folder = join(shared!, 'data/geotiff/terramind');
    const names = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.tif'));
    expect(names.length).toBeGreaterThanOrEqual(10);
    for (const name of names) {
      const raster = await decodeRaster(readFileSync(join(folder, name)), name);
      expect(raster.crs, name).toMatch(/^EPSG:32[67]\d\d$/);
      expect(raster.data.every(Number.isFinite), name).toBe(true);
      const mean = raster.data.reduce((sum, each) => sum + each, 0) / raster.data.length;
      const isSar = raster.bands === 2;
      expect(isSar ? mean < 0 && mean > -40 : mean > 0 && mean < 10_000, `${name}: ${mean}`).toBe(true);
    }
  });

  it.skipIf(skip)('YCbCr JPEG tiles come out as red, green and blue', async () => {
    const store = new MemoryStore();
    store.files.set('087.tif', readFileSync(join(shared!, 'data/sentinel/optical/087.tif')));
    const file = await openRaster(store, '087.tif');
    expect([file.width, file.height, file.bands, file.crs]).toEqual([1024, 1024, 3, 'EPSG:3395']);
    const { data } = await file.read({ column: 100, row: 100, width: 64, height: 64 });
    const means = [0, 1, 2].map(
      (band) => data.filter((_, i) => i % 3 === band).reduce((sum, each) => sum + each, 0) / 4096,
    );
    // Chroma lies around 128 and hardly varies; red, green and blue of land go together.
    const correlation = pearson(data, 0, 1);
    expect(correlation).toBeGreaterThan(0.8);
    expect(means.every((mean) => mean > 5 && mean < 250)).toBe(true);
  });
});

function pearson(data: Float32Array, a: number, b: number): number {
  const pick = (band: number) => Array.from(data.filter((_, i) => i % 3 === band));
  const [x, y] = [pick(a), pick(b)];
  const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((each, i) => (each - mx) * (y[i]! - my)));
  const deviation = (values: number[], m: number) => Math.sqrt(mean(values.map((each) => (each - m) ** 2)));
  return covariance / (deviation(x, mx) * deviation(y, my));
}
