import { beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../../packages/core/src/dataset/dataset.ts';
import { FormatError, PatchError } from '../../../packages/core/src/errors.ts';
import { filesIn, importFolder } from '../../../packages/core/src/import/folder.ts';
import { matchNames } from '../../../packages/core/src/import/match_names.ts';
import { importScenes } from '../../../packages/core/src/import/scenes.ts';
import { type FileInfo, MemoryStore } from '../../../packages/core/src/store.ts';
import { geoTags, tiffFile as plainTiff } from '../raster/tiff_fixture.ts';
import { pngFile, tiffFile } from './image_files.ts';

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

const SIDE = 16;
const value = (column: number, row: number) => ((column * 7 + row * 13) % 90) + 5;
const at = (longitude = -118, pixel = 10, epsg = 32_611) => ({ epsg, longitude, latitude: 34, pixel });
type Place = ReturnType<typeof at>;
/** The library that writes placed images gives all others the place of the globe. */
const image = async (place?: Place) =>
  place
    ? tiffFile({ width: SIDE, height: SIDE, value, place })
    : plainTiff({ width: SIDE, height: SIDE, type: 'float32', value: (row, column) => value(column, row) });

describe('findings of an import of scenes', () => {
  const options = { side: SIDE, stride: SIDE, grid: 'sar', maxNoData: 0, unit: 'amplitude' } as const;
  const scenes = [{ name: 'x', sar: 'a.tif', optical: 'b.tif' }];
  const write = async (sar?: Place, optical?: Place) => {
    await store.write('a.tif', await image(sar));
    await store.write('b.tif', await image(optical));
  };

  it('are kept in the header, with what was asked for', async () => {
    await write();
    const { header } = await importScenes(store, scenes, 'out', { ...options, sarBand: 0, noData: [200] });
    expect(header.made).toMatchObject({
      ...{ unit: 'amplitude', sarBand: 1, noData: [200] },
      guesses: [expect.stringMatching(/^a\.tif and b\.tif: neither file says where it lies/)],
    });
    expect((await openDataset(store, 'out')).header).toEqual(header);
  });

  it('are none where everything is said', async () => {
    await write(at(), at());
    const { header } = await importScenes(store, scenes, 'out', { ...options, strict: true });
    expect(header.made).not.toHaveProperty('guesses');
  });

  it.each<[string, Place | undefined, Place | undefined, object, RegExp]>([
    ['the place', undefined, undefined, {}, /nothing to guess, as --strict asks.*neither file says where it lies/],
    ['the unit', at(), at(), { unit: undefined }, /nothing says what the SAR samples are/],
    ['the datum', at(-118, 10, 26_711), at(-118, 10, 32_611), {}, /shift of its datum/],
  ])('are refused by a strict import: %s', async (_, sar, optical, more, message) => {
    await write(sar, optical);
    const strict = importScenes(store, scenes, 'out', { ...options, ...more, strict: true });
    await expect(strict).rejects.toThrow(FormatError);
    await expect(strict).rejects.toThrow(message);
    await importScenes(store, scenes, 'lenient', { ...options, ...more });
  });
});

describe('amplitudes of 0', () => {
  const options = { side: SIDE, stride: SIDE, grid: 'sar', maxNoData: 1, unit: 'amplitude' } as const;
  const scenes = [{ name: 'x', sar: 'a.tif', optical: 'b.tif' }];
  const zeros = (tags = {}) =>
    plainTiff({
      ...{ width: SIDE, height: SIDE, type: 'uint16', tags: { ...geoTags(400_000, 3_700_000, 10), ...tags } },
      value: (row, column) => (column === 0 ? 0 : 1000 + row * SIDE + column),
    });
  const optical = () =>
    plainTiff({
      width: SIDE,
      height: SIDE,
      tags: geoTags(400_000, 3_700_000, 10),
      value: (row, column) => row + column,
    });

  it('that are taken to be missing are told, and refused by a strict import', async () => {
    await store.write('a.tif', zeros());
    await store.write('b.tif', optical());
    const { header } = await importScenes(store, scenes, 'out', options);
    expect(header.made?.guesses).toEqual([expect.stringMatching(/^a\.tif: amplitudes of 0 are taken to be missing/)]);
    await expect(importScenes(store, scenes, 'no', { ...options, strict: true })).rejects.toThrow(/amplitudes of 0/);
    await importScenes(store, scenes, 'said', { ...options, strict: true, noData: [0] });
  });

  it('that are values stay values in the data set', async () => {
    await store.write('a.tif', zeros({ 42113: '65535' }));
    await store.write('b.tif', optical());
    await importScenes(store, scenes, 'out', { ...options, strict: true, maxNoData: 0 });
    const { noData, data } = await (await openDataset(store, 'out')).readSar(0);
    expect([noData, data[0], data[1]]).toEqual([undefined, 0, 1001]);
  });
});

describe('one image for both sensors', () => {
  const options = { side: SIDE, stride: SIDE, grid: 'sar', maxNoData: 0, unit: 'amplitude' } as const;

  it('is told, as a file and as its copy; other bands of one file are a pair', async () => {
    const stack = plainTiff({
      ...{ width: SIDE, height: SIDE, bands: 4, tags: geoTags(400_000, 3_700_000, 10) },
      value: (row, column, band) => value(column, row) + band * 20,
    });
    await store.write('a.tif', stack);
    await store.write('copy.tif', stack);
    const run = async (optical: string, more: object) => {
      const scenes = [{ name: 'x', sar: 'a.tif', optical }];
      return (await importScenes(store, scenes, 'out', { ...options, sarBand: 0, ...more })).header.made?.notes;
    };
    const told = expect.stringMatching(/: both hold the same samples: one image is taken for both sensors/);
    expect(await run('a.tif', { opticalBands: [0] })).toEqual([told]);
    expect(await run('copy.tif', { opticalBands: [2, 1, 0] })).toEqual([told]);
    expect(await run('a.tif', { opticalBands: [1, 2, 3] })).toBeUndefined();
  });

  it('may show nothing', async () => {
    const nothing = plainTiff({ width: SIDE, height: SIDE, tags: geoTags(400_000, 3_700_000, 10), value: () => 7 });
    await store.write('in/sar/1.tif', nothing);
    await store.write('in/optical/1.tif', nothing);
    const { header } = await importFolder(store, 'in', 'out', { crop: false, maxNoData: 0, unit: 'amplitude' });
    expect(header.made?.notes).toBeUndefined();
  });
});

describe('patches of one name', () => {
  const run = (more = {}) =>
    importFolder(store, 'in', 'out', { crop: false, maxNoData: 0, unit: 'amplitude', ...more });
  const write = async (sar?: Place, optical?: Place) => {
    await store.write('in/sar/1.tif', await image(sar));
    await store.write('in/optical/1.tif', await image(optical));
  };

  it.each<[string, Place, Place]>([
    ['100 km apart', at(-118), at(-117)],
    ['half a patch apart', at(-118), at(-118 + 0.00087)],
    ['of other pixels', at(-118, 10), at(-118, 20)],
    ['of other systems', at(-118, 10), at(-117, 12, 3395)],
  ])('that lie %s are left out and counted', async (_, sar, optical) => {
    await write(sar, optical);
    await expect(run()).rejects.toThrow(PatchError);
    await expect(run()).rejects.toThrow(/left out: 1 otherGround/);
  });

  it('that agree are a pair, in other systems, too', async () => {
    await write(at(-118), at(-118));
    expect((await run({ strict: true })).records).toHaveLength(1);
    await write(at(-117.001, 10), at(-117.001, 12.06, 3395)); // a pixel of 10 m at 34° north
    expect((await run()).header.made?.guesses ?? []).toEqual([]);
  });

  it('that part by a pixel are a pair, and that is told', async () => {
    await write(at(-118), at(-118 + 0.00015));
    expect((await run()).header.made?.guesses).toEqual([expect.stringMatching(/differ by up to 2 pixels/)]);
    await expect(run({ strict: true })).rejects.toThrow(/differ by up to 2 pixels/);
  });

  it('of which one names no system are a pair only where their coordinates agree', async () => {
    const half = (east: number) =>
      plainTiff({
        ...{ width: SIDE, height: SIDE, type: 'float32', value: (row, column) => value(column, row) + 1 },
        tags: { 33550: { double: [10, 10, 0] }, 33922: { double: [0, 0, 0, east, 3_700_000, 0] } },
      });
    const whole = plainTiff({
      ...{ width: SIDE, height: SIDE, type: 'float32', tags: geoTags(400_000, 3_700_000, 10) },
      value: (row, column) => value(column, row),
    });
    await store.write('in/sar/1.tif', whole);
    await store.write('in/optical/1.tif', half(400_000));
    expect((await run()).header.made?.guesses).toEqual([expect.stringMatching(/only one of the two says/)]);
    await store.write('in/optical/1.tif', half(500_000));
    await expect(run()).rejects.toThrow(/1 otherGround/);
  });

  it('of which one says where it lies are a pair, and that is told', async () => {
    await write(at(-118));
    const { header, records } = await run();
    expect(records[0]!.footprint?.crs).toBe('EPSG:32611');
    expect(header.made?.guesses).toEqual([expect.stringMatching(/only one of the two says where it lies/)]);
  });
});

describe('files that are no patches', () => {
  const png = pngFile(SIDE, 1, (pixel) => (pixel * 7) % 100);

  it('of systems and archives are passed over', async () => {
    for (const name of [
      'sar/1.png',
      'optical/1.png',
      'sar/._1.png',
      'optical/.DS_Store',
      '__MACOSX/sar/1.png',
      '.git/x',
    ]) {
      await store.write(`in/${name}`, png);
    }
    expect(await filesIn(store, 'in')).toEqual(['optical/1.png', 'sar/1.png']);
  });

  it('with the words of both sensors are counted', async () => {
    const found = matchNames(['sar/1.png', 'optical/1.png', 'optical/sar.png', 'notes/x.png']);
    expect(found.unclear).toEqual(['optical/sar.png']);
    for (const name of ['sar/1.png', 'optical/1.png', 'optical/sar.png']) await store.write(`in/${name}`, png);
    const { skipped } = await importFolder(store, 'in', 'out', { crop: false, maxNoData: 0 });
    expect(skipped).toEqual({ unclearNames: 1 });
  });

  it('behind a link to a folder above are not looked for', async () => {
    await store.write('in/sar/1.png', png);
    const looped = Object.assign(new MemoryStore(), {
      list: async (path: string) => (path === 'in/sar' ? ['1.png', 'up'] : store.list(path.replace(/\/sar\/up/g, ''))),
      stat: async (path: string): Promise<FileInfo | undefined> => {
        const real = path.replace(/\/sar\/up/g, '');
        const info = await store.stat(real);
        return info && { ...info, identity: real };
      },
    });
    expect(await filesIn(looped, 'in')).toEqual(['sar/1.png']);
  });
});
