import { beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../../packages/core/src/dataset/dataset.ts';
import { FileError, FormatError, PatchError, UsageError } from '../../../packages/core/src/errors.ts';
import { importFolder } from '../../../packages/core/src/import/folder.ts';
import { importSarptical } from '../../../packages/core/src/import/sarptical.ts';
import { importScenes } from '../../../packages/core/src/import/scenes.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { matFile, pngFile, tiffFile } from './image_files.ts';

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

const write = async (files: Record<string, Uint8Array | Promise<Uint8Array>>) => {
  for (const [name, bytes] of Object.entries(files)) await store.write(name, await bytes);
};

describe('importScenes', () => {
  const place = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };
  const options = { side: 16, stride: 16, grid: 'sar', maxNoData: 0 } as const;
  const value = (column: number, row: number) => column + 100 * row;

  it('makes a data set that opens, with places, footprints and sources', async () => {
    await write({
      'in/a.tif': tiffFile({ width: 40, height: 33, place, value: (x, y) => -20 + value(x, y) / 1000 }),
      'in/b.tif': tiffFile({ width: 40, height: 33, bands: 3, place, value: (x, y, band) => value(x, y) + band }),
    });
    const scenes = [{ name: 'la', sar: 'in/a.tif', optical: 'in/b.tif' }];
    const progress: number[][] = [];
    const onProgress = (...numbers: number[]) => progress.push(numbers);
    const built = await importScenes(
      store,
      scenes,
      'out',
      { ...options, unit: 'dB', attribution: 'me' },
      { onProgress },
    );
    const dataset = await openDataset(store, 'out');
    expect(dataset.records).toEqual(built.records);
    expect(dataset.header).toMatchObject({
      side: 16,
      sar: { unit: 'dB', bands: 1 },
      optical: { unit: 'digital number', bands: 3 },
      attribution: 'me',
    });
    expect(dataset.records.map(({ id }) => id)).toEqual(['la/0-0', 'la/0-1', 'la/1-0', 'la/1-1']);
    expect(dataset.records[3]).toMatchObject({
      group: 'la',
      label: 1,
      source: { sar: 'a.tif', optical: 'b.tif', column: 16, row: 16 },
    });
    const [west, south, east, north] = dataset.records[3]!.footprint!.bounds;
    expect([east - west, north - south]).toEqual([expect.closeTo(160, 6), expect.closeTo(160, 6)]);
    const { sar, optical } = await dataset.read(3);
    expect(sar.unit).toBe('dB');
    expect(sar.data[0]).toBeCloseTo(-20 + value(16, 16) / 1000, 5);
    expect([...optical.data.slice(0, 3)]).toEqual([0, 1, 2].map((band) => value(16, 16) + band));
    expect(progress.at(-1)).toEqual([1, 1, 4]);
  });

  it('keeps what is missing as missing', async () => {
    await write({
      'a.tif': tiffFile({ width: 16, height: 16, place, value: (x) => (x < 2 ? Number.NaN : x) }),
      'b.tif': tiffFile({ width: 16, height: 16, place, value: (x) => x }),
    });
    const scenes = [{ name: 'x', sar: 'a.tif', optical: 'b.tif' }];
    await importScenes(store, scenes, 'out', { ...options, maxNoData: 0.2 });
    const { sar, optical } = await (await openDataset(store, 'out')).read(0);
    expect(sar.noData!.reduce((sum, flag) => sum + flag, 0)).toBe(32);
    expect(sar.data[5]).toBe(5);
    expect(optical.noData).toBeUndefined();
    await expect(importScenes(store, scenes, 'none', options)).rejects.toThrow(PatchError);
    await expect(importScenes(store, scenes, 'none', options)).rejects.toThrow(/left out: 1 noDataInSar/);
    expect(await store.stat('none/pairs.jsonl')).toBeUndefined();
  });

  it('wants to be told which bands, of several', async () => {
    await write({
      'a.tif': tiffFile({ width: 16, height: 16, bands: 2, place, value: (x, _, band) => x + 1000 * band }),
      'b.tif': tiffFile({ width: 16, height: 16, bands: 5, place, value: (x, _, band) => x + 1000 * band }),
    });
    const scenes = [{ name: 'x', sar: 'a.tif', optical: 'b.tif' }];
    await expect(importScenes(store, scenes, 'out', options)).rejects.toThrow(
      /a\.tif: expected one band, found 2.*--sar-band/,
    );
    await expect(importScenes(store, scenes, 'out', { ...options, sarBand: 1 })).rejects.toThrow(
      /b\.tif: .*found 5.*--optical-bands/,
    );
    await expect(importScenes(store, scenes, 'out', { ...options, sarBand: 2 })).rejects.toThrow(/at least 3 band/);
    await importScenes(store, scenes, 'out', { ...options, sarBand: 1, opticalBands: [3, 2, 0] });
    const { sar, optical } = await (await openDataset(store, 'out')).read(0);
    expect(sar.data[4]).toBe(1004);
    expect([...optical.data.slice(0, 3)]).toEqual([3000, 2000, 0]);
  });

  it('refuses scenes that do not go together in one data set, and damaged ones', async () => {
    const flat = (bands: number) => tiffFile({ width: 16, height: 16, bands, place, value: (x) => x });
    await write({ 'a.tif': flat(1), 'b.tif': flat(3), 'c.tif': flat(1) });
    const both = [
      { name: 'x', sar: 'a.tif', optical: 'b.tif' },
      { name: 'y', sar: 'a.tif', optical: 'c.tif' },
    ];
    await expect(importScenes(store, both, 'out', options)).rejects.toThrow(
      /y into one data set with x.*3 band\(s\).*1 band\(s\)/,
    );
    await store.write('broken.tif', (await flat(1)).slice(0, 300));
    const broken = [{ name: 'x', sar: 'broken.tif', optical: 'b.tif' }];
    await expect(importScenes(store, broken, 'out', options)).rejects.toThrow(/broken\.tif/);
    const absent = [{ name: 'x', sar: 'nowhere.tif', optical: 'b.tif' }];
    await expect(importScenes(store, absent, 'out', options)).rejects.toThrow(FileError);
  });
});

describe('a store that fails', () => {
  /** As a full disk: the first patches are slow, the fifth fails. */
  class FullStore extends MemoryStore {
    writing = 0;
    patches = 0;
    override async write(path: string, bytes: Uint8Array | string): Promise<void> {
      if (!path.startsWith('out/')) return super.write(path, bytes);
      const number = ++this.patches;
      this.writing++;
      await new Promise((resolve) => setTimeout(resolve, number < 5 ? 50 : 0));
      this.writing--;
      if (number === 5) throw new FileError({ action: 'write', file: path, found: 'a full disk' });
      await super.write(path, bytes);
    }
  }

  it('ends the import with its own error, once nothing is being written any more', async () => {
    const full = new FullStore();
    for (let i = 0; i < 20; i++) {
      for (const kind of ['sar', 'optical'])
        await full.write(
          `in/${kind}/${i}.png`,
          pngFile(8, 1, (pixel) => pixel),
        );
    }
    const options = { crop: false, maxNoData: 0 };
    await expect(importFolder(full, 'in', 'out', options)).rejects.toThrow(/a full disk/);
    expect(full.writing).toBe(0);
    expect(await full.stat('out/pairs.jsonl')).toBeUndefined();
  });

  it('and names that lead out of the folder are refused', async () => {
    const place = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };
    await write({ 'a.tif': tiffFile({ width: 16, height: 16, place, value: (x) => x }) });
    const options = { side: 16, stride: 16, grid: 'sar', maxNoData: 0 } as const;
    const scenes = [{ name: '../../evil', sar: 'a.tif', optical: 'a.tif' }];
    await expect(importScenes(store, scenes, 'out', options)).rejects.toThrow(UsageError);
    expect([...store.files.keys()]).toEqual(['a.tif']);
  });
});

describe('importFolder', () => {
  const options = { crop: false, maxNoData: 0 };
  const shade = (value: number) => () => value;

  it('takes patches by their names, places by their folders', async () => {
    await write({
      'in/la/sar/1.png': pngFile(8, 1, shade(1)),
      'in/la/optical/1.png': pngFile(8, 3, shade(11)),
      'in/ny/sar/1.png': pngFile(8, 1, shade(2)),
      'in/ny/optical/1.png': pngFile(8, 3, shade(12)),
      'in/ny/optical/2.png': pngFile(8, 3, shade(13)),
      'in/notes.txt': new Uint8Array(3),
    });
    const { skipped } = await importFolder(store, 'in', 'out', { ...options, unit: 'amplitude' });
    const dataset = await openDataset(store, 'out');
    expect(skipped).toEqual({ unmatched: 1 });
    expect(dataset.records.map(({ id, group }) => [id, group])).toEqual([
      ['la/1', 'la'],
      ['ny/1', 'ny'],
    ]);
    expect(dataset.header).toMatchObject({ side: 8, sar: { unit: 'amplitude' }, optical: { bands: 3 } });
    const { sar, optical } = await dataset.read(1);
    expect([sar.data[0], optical.data[0]]).toEqual([2, 12]);
  });

  it('takes places by a pattern, and keeps footprints', async () => {
    const place = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };
    await write({
      'in/la_1_sar.tif': tiffFile({ width: 8, height: 8, place, value: (x) => x }),
      'in/la_1_optical.tif': tiffFile({ width: 8, height: 8, place, value: (x) => x }),
    });
    await importFolder(store, 'in', 'out', { ...options, group: /^([a-z]+)_/ });
    const { records } = await openDataset(store, 'out');
    expect(records[0]).toMatchObject({ id: 'la_1', group: 'la', footprint: { crs: 'EPSG:32611' } });
    await expect(importFolder(store, 'in', 'out', { ...options, group: /^\d+/ })).rejects.toThrow(
      /place of the pair "la_1"/,
    );
  });

  it('crops the centre where asked, and refuses other sizes where not', async () => {
    await write({
      'in/sar/1.png': pngFile(12, 1, (pixel) => pixel),
      'in/optical/1.png': pngFile(8, 1, (pixel) => pixel),
    });
    await expect(importFolder(store, 'in', 'out', options)).rejects.toThrow(
      /optical\/1\.png: expected 12 × 12 pixels, found 8 × 8/,
    );
    await expect(importFolder(store, 'in', 'out', { ...options, side: 8 })).rejects.toThrow(/sar\/1\.png: .*--crop/);
    await importFolder(store, 'in', 'out', { ...options, side: 8, crop: true });
    const { sar, optical } = await (await openDataset(store, 'out')).read(0);
    expect(sar.data[0]).toBe(2 * 12 + 2);
    expect(optical.data[0]).toBe(0);
  });

  it('refuses folders without pairs, and damaged images', async () => {
    await expect(importFolder(store, 'nowhere', 'out', options)).rejects.toThrow();
    await write({ 'in/sar/1.png': pngFile(8, 1, shade(1)), 'in/readme.txt': new Uint8Array(1) });
    await expect(importFolder(store, 'in', 'out', options)).rejects.toThrow(FormatError);
    await expect(importFolder(store, 'in', 'out', options)).rejects.toThrow(
      /1 without counterpart, such as "sar\/1\.png"/,
    );
    await write({ 'in/optical/1.png': pngFile(8, 1, shade(1)).slice(0, 30) });
    await expect(importFolder(store, 'in', 'out', options)).rejects.toThrow(/in\/optical\/1\.png/);
    await write({ 'in/sar/1.tif': new Uint8Array(3) });
    await expect(importFolder(store, 'in', 'out', options)).rejects.toThrow(UsageError);
  });
});

describe('importSarptical', () => {
  const options = { maxNoData: 0 };
  const decibel = (row: number, column: number) => -20 + row + column / 100;

  beforeEach(() =>
    write({
      'in/point_10_ampPatch.mat': matFile('ampCrop', 16, 16, decibel),
      'in/point_10_20130801_7.png': pngFile(16, 1, (pixel) => pixel % 200),
      'in/point_10_20130801_8.png': pngFile(16, 1, (pixel) => pixel % 100),
      'in/point_9_ampPatch.mat': matFile('ampCrop', 16, 16, decibel),
      'in/point_9_x.png': pngFile(16, 1, (pixel) => pixel % 50),
      'in/point_11_ampPatch.mat': matFile('ampCrop', 16, 16, decibel),
      'in/point_12_x.png': pngFile(16, 1, (pixel) => pixel % 50),
      'in/other.txt': new Uint8Array(1),
    }),
  );

  it('pairs every optical view with its point, and keeps a point together', async () => {
    const { skipped } = await importSarptical(store, 'in', 'out', options);
    const dataset = await openDataset(store, 'out');
    expect(skipped).toEqual({ withoutOptical: 1, withoutSar: 1 });
    expect(dataset.records.map(({ id, group }) => [id, group])).toEqual([
      ['9_x', 'point_9'],
      ['10_20130801_7', 'point_10'],
      ['10_20130801_8', 'point_10'],
    ]);
    expect(dataset.records[1]!.sar).toBe(dataset.records[2]!.sar);
    expect(dataset.header).toMatchObject({ side: 16, sar: { unit: 'dB', bands: 1 } });
    const { sar, optical } = await dataset.read(2);
    expect(sar.data[3 * 16 + 5]).toBeCloseTo(decibel(3, 5), 5);
    expect(optical.data[150]).toBe(50);
  });

  it('makes footprints where coordinates are known', async () => {
    const coordinates = { crs: 'EPSG:32633', resolution: 1, points: new Map([['10', [390_000, 5_820_000] as const]]) };
    await importSarptical(store, 'in', 'out', { ...options, coordinates });
    const { records } = await openDataset(store, 'out');
    expect(records[0]!.footprint).toBeUndefined();
    expect(records[1]!.footprint).toEqual({ crs: 'EPSG:32633', bounds: [389_992, 5_819_992, 390_008, 5_820_008] });
  });

  it('refuses what is no SARptical, with the file', async () => {
    await expect(importSarptical(store, 'out', 'x', options)).rejects.toThrow(FileError);
    await store.write('in/point_9_ampPatch.mat', matFile('other', 16, 16, decibel));
    await expect(importSarptical(store, 'in', 'out', options)).rejects.toThrow(
      /point_9_ampPatch\.mat: expected a variable ampCrop, found only other/,
    );
    await store.write('in/point_9_ampPatch.mat', matFile('ampCrop', 16, 12, decibel));
    await expect(importSarptical(store, 'in', 'out', options)).rejects.toThrow(/found 12 × 16/);
    await store.write('in/point_9_ampPatch.mat', matFile('ampCrop', 16, 16, decibel).slice(0, 200));
    await expect(importSarptical(store, 'in', 'out', options)).rejects.toThrow(/point_9_ampPatch\.mat/);
    await write({
      'in/point_9_ampPatch.mat': matFile('ampCrop', 16, 16, decibel),
      'in/point_10_20130801_8.png': pngFile(8, 1, () => 1),
    });
    await expect(importSarptical(store, 'in', 'out', options)).rejects.toThrow(
      /point_10_20130801_8\.png: expected 16 × 16/,
    );
  });
});
