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
    ['-nan(ind)', []],
    ['-1.#IND', []],
    ['1.#INF', []],
    ['-inf', []],
    ['0x10', [16]],
    ['1.5e+3', [1500]],
    ['', []],
  ])('%j is plain', (text, values) => {
    expect(parseNoData(text)).toEqual({ values });
  });

  it.each([
    ['-9999,0', [-9999]],
    ['-9999 -9999 -9999', [-9999]],
    ['0, 0, 255', [0, 255]],
    ['7f', [7]],
    ['none', []],
    ['(7)', []],
  ])('%j is read by a guess', (text, values) => {
    const { values: found, guess } = parseNoData(text);
    expect(found).toEqual(values);
    expect(guess).toContain(text);
  });

  it('names the guess in the file', async () => {
    const file = await open(row([1, -9999], 'int16', { 42113: '-9999,0' }));
    expect(file.guesses).toEqual(['no-data "-9999,0" is read as -9999']);
    expect(Array.from((await file.read()).noData!)).toEqual([0, 1]);
  });
});

const LOWEST = Math.fround(-3.4028234663852886e38);

/**
 * Samples that GDAL 3.6.2's mask band hides, of a file with this text in the tag GDAL_NODATA. Deviations: a file of the
 * doubles -3.4e38 and -3.4028e38 is not asked, for GDAL takes the second for another value.
 */
describe('samples that are no-data, as for GDAL', () => {
  it.each<[string, SampleType, number[], number[]]>([
    ['inf', 'float32', [1, 2, Number.POSITIVE_INFINITY], [0, 0, 1]],
    ['-inf', 'float64', [1, 2, -1e30], []],
    ['1e400', 'float32', [1, LOWEST], []],
    ['-1.7976931348623157e+308', 'float32', [1, LOWEST], []],
    ['-3.4028234663852886e+38', 'float32', [1, LOWEST], [0, 1]],
    ['-3.40282346639e+38', 'float64', [1, LOWEST], [0, 1]],
    ['-3.403e+38', 'float32', [1, LOWEST], [0, 1]],
    ['-3.4e+38', 'float32', [1, LOWEST, -3e38], [0, 1, 0]],
    ['1.175494e-38', 'float32', [1, Math.fround(1.17549435e-38), 0], [0, 1, 0]],
    ['0.333333333333333', 'float64', [1 / 3, 0.3333], [1, 0]],
    ['-9999.000001', 'float64', [-9999, -9998.9], [1, 0]],
    ['1e20', 'int16', [1, 32767], []],
    ['-9999', 'uint8', [1, 241], []],
    ['256', 'uint8', [0, 255], []],
    ['0.5', 'uint8', [0, 1], [1, 0]],
    ['-9999.5', 'int16', [-9999, -10000], [1, 0]],
    ['0x10', 'uint8', [16, 0], [1, 0]],
    ['nan', 'uint8', [0, 1], []],
  ])('%s in %s', async (text, type, samples, mask) => {
    expect(await maskOf(row(samples, type, { 42113: text }))).toEqual(mask);
  });

  it('is told where a fraction of whole numbers is cut', async () => {
    const fraction = await open(row([0, 1], 'uint8', { 42113: '0.5' }));
    expect(fraction.guesses).toEqual(['no-data "0.5" is read as 0']);
    expect((await open(row([0, 1], 'uint8', { 42113: '-0.5' }))).guesses).toEqual([]);
  });
});

describe('companions and metadata, as GDAL 3.6.2 reads them', () => {
  const band = (inside: string, attributes = ' band="1"') =>
    `<PAMDataset><PAMRasterBand${attributes}>${inside}</PAMRasterBand></PAMDataset>`;
  const withAux = async (bytes: Uint8Array, xml: string) => {
    const store = new MemoryStore();
    store.files.set('a.tif', bytes);
    store.files.set('a.tif.aux.xml', new TextEncoder().encode(xml));
    const file = await openRaster(store, 'a.tif');
    return { file, mask: Array.from((await file.read()).noData ?? []) };
  };
  const five = row([3, 5, 6], 'uint8');

  it.each([
    ['a value', band('<NoDataValue>5</NoDataValue>'), [0, 1, 0]],
    ['blanks', band('<NoDataValue>\n 5 </NoDataValue>'), [0, 1, 0]],
    ['an entity', band('<NoDataValue>&#53;</NoDataValue>'), [0, 1, 0]],
    ['CDATA', band('<NoDataValue><![CDATA[5]]></NoDataValue>'), [0, 1, 0]],
    ['single quotes', band('<NoDataValue>5</NoDataValue>', " band='1'"), [0, 1, 0]],
    ['a comment', band('<!-- <NoDataValue>5</NoDataValue> --><NoDataValue>6</NoDataValue>'), [0, 0, 1]],
    ['the first of two', band('<NoDataValue>5</NoDataValue><NoDataValue>6</NoDataValue>'), [0, 1, 0]],
    ['nested deeper', band('<Histograms><NoDataValue>5</NoDataValue></Histograms>'), []],
    ['another band', band('<NoDataValue>5</NoDataValue><UnitType>dB</UnitType>', ' band="7"'), []],
    ['no band', band('<NoDataValue>5</NoDataValue>', ''), []],
    ['statistics alone', band('<Metadata><MDI key="STATISTICS_MAXIMUM">5</MDI></Metadata>'), []],
    ['other metadata', '<PAMDataset><Metadata domain="x"><PAMRasterBand band="1"/></Metadata></PAMDataset>', []],
  ])('%s', async (_, xml, mask) => {
    const found = await withAux(five, xml);
    expect(found.mask).toEqual(mask);
    expect([found.file.unit, found.file.guesses]).toEqual([undefined, []]);
  });

  it('counts no-data of the companion before that of the tag, scales the other way round', async () => {
    const tagged = row([3, 5, 6], 'uint8', {
      42112: '<GDALMetadata><Item name="SCALE" sample="0" role="scale">2</Item></GDALMetadata>',
      42113: '3',
    });
    expect((await withAux(tagged, band('<Scale>3</Scale><NoDataValue>5</NoDataValue>'))).mask).toEqual([0, 1, 0]);
    expect((await withAux(tagged, band('<NoDataValue></NoDataValue>'))).mask).toEqual([1, 0, 0]);
    const { file } = await withAux(tagged, band('<Scale>3</Scale>'));
    expect(Array.from((await file.read()).data)).toEqual([6, 10, 12]);
  });

  it('takes the bytes of a double before its decimals', async () => {
    const bytes = row([1 / 3, 0.33333], 'float64');
    const xml = band('<NoDataValue le_hex_equiv="555555555555D53F">3.3E-01</NoDataValue>');
    expect((await withAux(bytes, xml)).mask).toEqual([1, 0]);
  });

  it('says that a companion is no XML', async () => {
    const { file, mask } = await withAux(five, '<PAMDataset><PAMRasterBand band="1"><NoDataValue>5</NoDataValue>');
    expect([mask, file.guesses]).toEqual([[], ['the companion .aux.xml is no XML, and is passed over']]);
    expect((await withAux(five, '')).file.guesses).toEqual([]);
  });

  it('takes NODATA_VALUES for a pixel that holds all of them, in floats, too', async () => {
    const pixels = [
      [5, 25],
      [5, 26],
      [6, 25],
    ];
    const bytes = (count: number) => ({
      ...{ width: 3, height: 1, bands: 2, type: 'float32' as const },
      tags: {
        42112: `<GDALMetadata><Item name="NODATA_VALUES">${[5, 25, 7].slice(0, count).join(' ')}</Item></GDALMetadata>`,
      },
      value: (_: number, column: number, at: number) => pixels[column]![at]!,
    });
    expect(await maskOf(tiffFile(bytes(2)))).toEqual([1, 0, 0]);
    expect(await maskOf(tiffFile(bytes(3)))).toEqual([]);
    const xml = '<PAMDataset><Metadata><MDI key="NODATA_VALUES">6 25</MDI></Metadata></PAMDataset>';
    expect((await withAux(tiffFile(bytes(2)), xml)).mask).toEqual([0, 0, 1]);
  });

  it('takes a band for alpha that metadata call so, wherever it lies', async () => {
    const item = '<Item name="COLORINTERP" sample="0" role="colorinterp">Alpha</Item>';
    const bytes = (tags: Record<number, Tag>) =>
      tiffFile({ width: 2, height: 1, bands: 2, tags, value: (_, column, at) => (at === 0 ? column : 9) });
    const file = await open(bytes({ 42112: `<GDALMetadata>${item}</GDALMetadata>` }));
    expect(file.imageBands).toEqual([1]);
    expect(Array.from((await file.read()).noData!)).toEqual([1, 0]);
    expect((await file.read(undefined, [0])).noData).toBeUndefined();
    const found = await withAux(bytes({}), band('<ColorInterp>Alpha</ColorInterp>'));
    expect([found.file.imageBands, found.mask]).toEqual([[1], [1, 0]]);
  });
});

it('takes a unit only where all bands have it', async () => {
  const xml = '<GDALMetadata><Item name="UNITTYPE" sample="1" role="unittype">dB</Item></GDALMetadata>';
  const bytes = (bands: number) =>
    tiffFile({ width: 1, height: 1, bands, type: 'float32', tags: { 42112: xml }, value: () => 1 });
  expect((await open(bytes(2))).unit).toBeUndefined();
  expect((await open(bytes(1))).unit).toBeUndefined();
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
