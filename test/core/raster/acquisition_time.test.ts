import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileStore } from '../../../packages/core/src/node.ts';
import { acquisitionTime, utcTime } from '../../../packages/core/src/raster/acquisition_time.ts';
import { openRaster } from '../../../packages/core/src/raster/open.ts';
import { isInstalled, output } from '../judges.ts';

const timeOf = (items: Record<string, string>, path = 'scene.tif') =>
  acquisitionTime(new Map(Object.entries(items)), path);
const MADE = { TIFFTAG_DATETIME: '2021:01:02 03:04:05' };

describe('acquisition time', () => {
  it.each([
    ['ACQUISITION_START_TIME', '2020-11-07T13:52:41.123456', '2020-11-07T13:52:41.123Z'],
    ['DATATAKE_1_DATATAKE_SENSING_START', '2020-11-04T18:35:41.024Z', '2020-11-04T18:35:41.024Z'],
    ['PRODUCT_START_TIME', '2020-11-04T19:35:41+01:00', '2020-11-04T18:35:41.000Z'],
    ['ACQUISITIONDATETIME', '2020-11-04 18:35:41', '2020-11-04T18:35:41.000Z'],
  ])('is what %s says, before the date of the TIFF', (source, text, time) => {
    expect(timeOf({ [source]: text, ...MADE })).toEqual({ time, source });
  });

  it.each([
    [
      'S1A_IW_GRDH_1SDV_20201107T135241_20201107T135306_035143_041A16_322B.SAFE/measurement/vv.tiff',
      '2020-11-07T13:52:41',
    ],
    ['x/s1a-iw-grd-vh-20201107t135241-20201107t135306-035143-041a16-002.tiff', '2020-11-07T13:52:41'],
    ['S2A_MSIL1C_20201104T183541_N0209_R027_T11SLT_20201104T203551.SAFE/IMG/b.tif', '2020-11-04T18:35:41'],
    ['T11SLT_20201104T183541_TCI.tif', '2020-11-04T18:35:41'],
  ])('is in the name %s', (path, time) => {
    expect(timeOf(MADE, path)).toEqual({ time: `${time}.000Z`, source: 'file name' });
  });

  it('is the date of the TIFF where nothing else is known, and not known without one', () => {
    expect(timeOf(MADE)).toEqual({ time: '2021-01-02T03:04:05.000Z', source: 'TIFFTAG_DATETIME' });
    expect(timeOf({ TIFFTAG_DATETIME: '0000:00:00 00:00:00' })).toBeUndefined();
    expect(timeOf({ ACQUISITION_START_TIME: 'yesterday' }, 'scene_20201104.tif')).toBeUndefined();
    expect(utcTime('2020-11-04')).toBeUndefined(); // a day is no time
  });

  it.skipIf(!isInstalled('gdal_translate'))(
    'is read from what GDAL writes, in the tags and beside (gdal-bin)',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'doppel-times-'));
      const source = join(import.meta.dirname, '../../../data/demo/sar/060.tif');
      const store = new FileStore();
      const read = async (name: string, ...options: string[]) => {
        const path = join(folder, name);
        output('gdal_translate', '-q', '-outsize', '64', '64', ...options, source, path);
        const { items } = await openRaster(store, path);
        return acquisitionTime(items, path);
      };
      const sensed = ['-mo', 'ACQUISITION_START_TIME=2020-11-07T13:52:41Z'];
      const dated = ['-mo', 'TIFFTAG_DATETIME=2020:11:09 01:02:03'];
      expect(await read('both.tif', ...sensed, ...dated)).toMatchObject({ source: 'ACQUISITION_START_TIME' });
      expect(await read('dated.tif', ...dated)).toEqual({
        time: '2020-11-09T01:02:03.000Z',
        source: 'TIFFTAG_DATETIME',
      });
      expect(await read('beside.png', '-of', 'PNG', ...sensed)).toMatchObject({ time: '2020-11-07T13:52:41.000Z' });
      expect(await read('plain.tif')).toBeUndefined();
      await rm(folder, { recursive: true });
    },
  );
});
