/** What counts as missing: no-data texts, units without a zero, alpha that is asked for, sparse blocks, values of the caller. */
import { describe, expect, it } from 'vitest';
import { parseNoData } from '../../../packages/core/src/raster/missing.ts';
import { decodeRaster, openRaster } from '../../../packages/core/src/raster/open.ts';
import type { Unit } from '../../../packages/core/src/raster/raster.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { type SampleType, type Tag, tiffFile } from './tiff_fixture.ts';

const row = (samples: number[], type: SampleType, tags: Record<number, Tag> = {}) =>
  tiffFile({ width: samples.length, height: 1, type, tags, value: (_, column) => samples[column]! });

const maskOf = async (bytes: Uint8Array, options: { unit?: Unit; noData?: number[] } = {}) =>
  Array.from((await decodeRaster(bytes, 'a.tif', options)).noData ?? []);

async function open(bytes: Uint8Array) {
  const store = new MemoryStore();
  store.files.set('a.tif', bytes);
  return openRaster(store, 'a.tif');
}

describe('no-data texts', () => {
  it.each([
    ['-9999', [-9999]],
    [' 0\0', [0]],
    ['nan', []],
    ['-nan', []],
    ['-1.#IND', []],
    ['1.5e+3', [1500]],
    ['', []],
  ])('%j is plain', (text, values) => {
    expect(parseNoData(text)).toEqual({ values });
  });

  it.each([
    ['-9999,0', [-9999]],
    ['-9999 -9999 -9999', [-9999]],
    ['0, 0, 255', [0, 255]],
    ['none', []],
  ])('%j is read by a guess', (text, values) => {
    const { values: found, guess } = parseNoData(text);
    expect(found).toEqual(values);
    expect(guess).toContain(text);
  });

  it('names the guess in the file', async () => {
    const file = await open(row([1, -9999], 'int16', { 42113: '-9999,0' }));
    expect(file.guesses).toEqual(['no-data "-9999,0" is read as -9999.0']);
    expect(Array.from((await file.read()).noData!)).toEqual([0, 1]);
  });
});

describe('zeros', () => {
  it.each<[string, Unit, SampleType, Record<number, Tag>, number[]]>([
    ['are no intensity', 'intensity', 'float32', {}, [1, 0, 1]],
    ['are no intensity, whatever the no-data value', 'intensity', 'float32', { 42113: '-9999' }, [1, 0, 1]],
    ['are no measured amplitude', 'amplitude', 'float32', {}, [1, 0, 1]],
    ['are an amplitude where another value stands for nothing', 'amplitude', 'float32', { 42113: '-9999' }, [0, 0, 1]],
    ['are a decibel', 'dB', 'float32', {}, []],
    ['are a digital number', 'digital number', 'float32', {}, []],
  ])('%s', async (_, unit, type, tags, mask) => {
    expect(await maskOf(row([0, 5, -5], type, tags), { unit })).toEqual(mask);
  });

  it('are the darkest amplitude of a picture of 8 bits', async () => {
    expect(await maskOf(row([0, 5], 'uint8'), { unit: 'amplitude' })).toEqual([]);
  });
});

it('takes values that the caller names, besides those of the file', async () => {
  expect(await maskOf(row([0, 7, 5, 9], 'uint8', { 42113: '9' }), { noData: [0, 7] })).toEqual([1, 1, 0, 1]);
});

it('knows the lowest float by a few of its digits', async () => {
  const lowest = Math.fround(-3.4028234663852886e38);
  expect(await maskOf(row([lowest, -1e30, 5], 'float32', { 42113: '-3.40282e+38' }))).toEqual([1, 0, 0]);
});

it('gives a band that is marked as alpha where it is asked for, and then it hides nothing', async () => {
  const tags: Record<number, Tag> = { 338: { short: [2] }, 262: { short: [2] } };
  const bytes = tiffFile({
    width: 2,
    height: 1,
    bands: 4,
    tags,
    value: (_, column, band) => (band === 3 ? column : 9),
  });
  const file = await open(bytes);
  expect([file.bands, file.imageBands]).toEqual([4, [0, 1, 2]]);
  expect(Array.from((await file.read()).noData!)).toEqual([1, 0]);
  const nir = await file.read(undefined, [3, 0]);
  expect([...nir.data, nir.noData]).toEqual([0, 9, 1, 9, undefined]);
});

it('guesses the unit by the names of bands, and says so', async () => {
  const xml = '<GDALMetadata><Item name="DESCRIPTION" sample="0" role="description">Sigma0_VV_db</Item></GDALMetadata>';
  const file = await open(row([-12, -9], 'float32', { 42112: xml }));
  expect([file.unit, file.guesses]).toEqual(['dB', ['the unit is taken to be dB, by the band\'s name "Sigma0_VV_db"']]);
});

it('reads a window of an image of 60,000 × 60,000 pixels that a file of 2 kB claims, or refuses it, without room for it', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const sparse = row([1], 'uint8', { 256: [60_000], 257: [60_000], 278: [60_000], 273: [0], 279: [0] });
  const file = await open(sparse);
  const part = await file.read({ column: 59_990, row: 59_990, width: 10, height: 10 });
  expect(part.noData!.every((each) => each === 1)).toBe(true);
  await expect(file.read()).rejects.toThrow(/at most/);
  await expect(open(row([1], 'uint8', { 256: [60_000], 257: [60_000], 278: [60_000] }))).rejects.toThrow(
    /cannot hold them/,
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
});
