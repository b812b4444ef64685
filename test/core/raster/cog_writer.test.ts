/** Cloud Optimized GeoTIFFs: what is written is read back here and by GDAL, whose validator accepts the layout. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileError } from '../../../packages/core/src/errors.ts';
import { geoTags } from '../../../packages/core/src/geo/geo_tags.ts';
import { openPlaced } from '../../../packages/core/src/geo/place.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import { type CogImage, type WindowSamples, writeCog } from '../../../packages/core/src/raster/cog_writer.ts';
import type { RasterWindow } from '../../../packages/core/src/raster/window.ts';
import type { FileWriter } from '../../../packages/core/src/store.ts';
import { isInstalled, output, pythonWith } from '../judges.ts';

const hasGdal = isInstalled('gdalinfo');
const python = pythonWith('osgeo.gdal', 'numpy');
const store = new FileStore();
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-cog-'));
  file = join(folder, 'a.tif');
});
afterEach(() => rm(folder, { recursive: true }));

const TRANSFORM = [500000, 10, 0, 4000000, 0, -10] as const;
const PLACE = geoTags('EPSG:32633', TRANSFORM, 'a.tif');

type Value = (column: number, row: number, band: number) => number;

/** Windows of a rule; NaN is missing. */
const rendered =
  (bands: number, value: Value) =>
  async ({ column, row, width, height }: RasterWindow): Promise<WindowSamples> => {
    const data = new Float32Array(width * height * bands);
    const missing = new Uint8Array(width * height);
    for (let i = 0; i < data.length; i++) {
      const pixel = Math.floor(i / bands);
      data[i] = value(column + (pixel % width), row + Math.floor(pixel / width), i % bands);
      if (Number.isNaN(data[i])) missing[pixel] = 1;
    }
    return { data, missing };
  };

const image = (over: Partial<CogImage>): CogImage => ({
  ...{ width: 700, height: 530, bands: 2, type: 'uint16', noData: 0, place: PLACE },
  ...over,
});

const hole: (value: Value) => Value = (value) => (column, row, band) =>
  column < 40 && row < 30 ? Number.NaN : value(column, row, band);

const CASES: [string, Partial<CogImage>, Value][] = [
  [
    'uint8 with a mask',
    { type: 'uint8', bands: 3, isRgb: true, noData: undefined },
    (x, y, b) => (x + 3 * y + b) % 256,
  ],
  ['uint16 with no-data', {}, (x, y, b) => 1 + ((x * 31 + y * 7 + b) % 65000)],
  ['int16 with no-data', { type: 'int16', noData: -9999 }, (x, y, b) => ((x * 31 + y * 7 + b) % 4000) - 2000],
  ['float32 with NaN', { type: 'float32', noData: Number.NaN }, (x, y, b) => Math.fround(Math.sin(x / 9) * y + b)],
  ['13 bands', { width: 300, height: 200, bands: 13 }, (x, y, b) => 1 + x + y + b],
  ['a single tile', { width: 70, height: 50, bands: 1, type: 'float32', noData: Number.NaN }, (x, y) => x * y],
];

describe('writeCog', () => {
  it.each(CASES)('%s: is read back as it was', async (_, over, rule) => {
    const value = hole(rule);
    const cog = image(over);
    await writeCog(store, file, cog, rendered(cog.bands, value));
    const opened = await openPlaced(store, file);
    expect([opened.width, opened.height, opened.bands, opened.crs]).toEqual([
      ...[cog.width, cog.height, cog.bands],
      'EPSG:32633',
    ]);
    expect(opened.transform).toEqual(TRANSFORM);
    const read = await opened.read();
    let wrong = 0;
    for (let pixel = 0; pixel < cog.width * cog.height; pixel++) {
      const [column, row] = [pixel % cog.width, Math.floor(pixel / cog.width)];
      const isHole = column < 40 && row < 30;
      if (Boolean(read.noData?.[pixel]) !== isHole) wrong++;
      for (let band = 0; band < cog.bands && !isHole; band++) {
        if (read.data[pixel * cog.bands + band] !== rule(column, row, band)) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(await readdir(folder)).toEqual(['a.tif']);
  });

  it.skipIf(!python).each(CASES)(
    '%s: passes GDAL’s validator and is read alike by it (python3-gdal)',
    async (_, over, rule) => {
      const cog = image({ ...over, facts: new Map([[0, { name: 'B04 <&>', unit: 'dB', scale: 0.5, offset: 1 }]]) });
      await writeCog(store, file, cog, rendered(cog.bands, hole(rule)));
      const script = `
import json, sys
from osgeo import gdal
import numpy
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate
gdal.UseExceptions()
warnings, errors, _ = validate(sys.argv[1], full_check=True)
ds = gdal.Open(sys.argv[1])
band = ds.GetRasterBand(1)
values, mask = band.ReadAsArray(), band.GetMaskBand().ReadAsArray()
ovr = band.GetOverviewCount()
small = band.GetOverview(ovr - 1).ReadAsArray().astype(float).tolist()[-1][-1] if ovr else None
smallMask = band.GetOverview(ovr - 1).GetMaskBand().ReadAsArray().astype(float).tolist()[0][0] if ovr else None
print(json.dumps(dict(warnings=warnings, errors=errors, sum=float(values[mask > 0].astype(float).sum()), hidden=int((mask == 0).sum()),
  layout=ds.GetMetadataItem('LAYOUT', 'IMAGE_STRUCTURE'), name=band.GetDescription(), unit=band.GetUnitType(),
  scale=[band.GetScale(), band.GetOffset()], overviews=ovr, epsg=ds.GetSpatialRef().GetAuthorityCode(None),
  color=gdal.GetColorInterpretationName(band.GetColorInterpretation()), small=small, smallMask=smallMask)))`;
      const found = JSON.parse(output(python!, '-c', script, file));
      expect(found).toMatchObject({
        warnings: [],
        errors: [],
        layout: 'COG',
        name: 'B04 <&>',
        unit: 'dB',
        epsg: '32633',
      });
      expect(found.scale).toEqual([0.5, 1]);
      expect(found.color).toBe(cog.isRgb ? 'Red' : 'Gray');
      expect(found.hidden).toBe(40 * 30);
      let sum = 0;
      for (let row = 0; row < cog.height; row++) {
        for (let column = 0; column < cog.width; column++) if (column >= 40 || row >= 30) sum += rule(column, row, 0);
      }
      expect(found.sum).toBeCloseTo(sum, 0);
      expect(found.overviews).toBe(
        Math.ceil(Math.log2(Math.max(cog.width, cog.height, 512) / (cog.bands > 8 ? 256 : 512))),
      );
      if (found.overviews > 0) expect(found.smallMask).toBe(0);
    },
  );

  it.skipIf(!hasGdal)('a turned transform is that of gdalinfo (gdal-bin)', async () => {
    const turned = [500000, 8, 6, 4000000, 6, -8] as const;
    const cog = image({ place: geoTags('EPSG:32633', turned, 'a.tif') });
    await writeCog(
      store,
      file,
      cog,
      rendered(2, () => 1),
    );
    expect(JSON.parse(output('gdalinfo', '-json', file)).geoTransform).toEqual(turned);
    expect((await openPlaced(store, file)).transform).toEqual(turned);
  });

  it('shows means of valid pixels in the overviews', async () => {
    const seen: number[] = [];
    const cog = image({ width: 1024, height: 1024, bands: 1, type: 'float32', noData: Number.NaN });
    await writeCog(
      store,
      file,
      cog,
      rendered(1, (x) => (x % 2 ? 4 : 2)),
      {
        onProgress: (done) => seen.push(done),
      },
    );
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('keeps a valid sample off the no-data value', async () => {
    const cog = image({ width: 16, height: 16, bands: 1, noData: 0 });
    await writeCog(
      store,
      file,
      cog,
      rendered(1, (x) => (x === 0 ? -3 : 0.4)),
    );
    const { data, noData } = await (await openPlaced(store, file)).read();
    expect([new Set(data), noData]).toEqual([new Set([1]), undefined]);
  });

  it('leaves nothing, and an older file alone, where the disk is full', async () => {
    await store.write(file, 'older');
    class FullDisk extends FileStore {
      override async create(path: string): Promise<FileWriter> {
        const writer = await super.create(path);
        let left = 2;
        const write = async (bytes: Uint8Array) => {
          if (left-- === 0) throw new FileError({ action: 'write', file: path, found: 'a full disk' });
          await writer.write(bytes);
        };
        return {
          write,
          read: writer.read.bind(writer),
          finish: () => writer.finish(),
          discard: () => writer.discard(),
        };
      }
    }
    await expect(
      writeCog(
        new FullDisk(),
        file,
        image({}),
        rendered(2, () => 1),
      ),
    ).rejects.toThrow('a full disk');
    expect(await readdir(folder)).toEqual(['a.tif']);
    expect(new TextDecoder().decode(await store.read(file))).toBe('older');
  });

  it('stops where it is told to, and leaves nothing', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('stopped'));
    const writing = writeCog(
      store,
      file,
      image({}),
      rendered(2, () => 1),
      { signal: stop.signal, onProgress },
    );
    await expect(writing).rejects.toThrow('stopped');
    expect(await readdir(folder)).toEqual([]);
  });
});
