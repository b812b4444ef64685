/** Files of a registration, read back here and by independent judges: GDAL's programs, its Python, numpy, OpenCV. */
import { cp, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemOfKeys } from '../../../../packages/core/src/geo/geo_keys.ts';
import { geoTags } from '../../../../packages/core/src/geo/geo_tags.ts';
import { affineMap } from '../../../../packages/core/src/geo/pixel_map.ts';
import { openPlaced } from '../../../../packages/core/src/geo/place.ts';
import { transformBetween } from '../../../../packages/core/src/geo/reference_system.ts';
import { FileStore } from '../../../../packages/core/src/node.ts';
import { applyTransform } from '../../../../packages/core/src/registration/outputs/apply.ts';
import { SIDES } from '../../../../packages/core/src/registration/outputs/moved.ts';
import { readTransform } from '../../../../packages/core/src/registration/outputs/transform_file.ts';
import { type OutputOptions, writeOutputs } from '../../../../packages/core/src/registration/outputs/write_outputs.ts';
import { mapPoint } from '../../../../packages/core/src/registration/plane_map.ts';
import {
  MODEL_KINDS,
  type ModelKind,
  type Registration,
} from '../../../../packages/core/src/registration/registration.ts';
import { isInstalled, output, pythonWith } from '../../judges.ts';
import { brightness, MAPS, type MadeScene, madeRegistration, SAR_TRANSFORM, writeScenes } from './made_scenes.ts';
import { STAC_ITEM } from './stac_rules.ts';

const hasGdal = isInstalled('gdalwarp');
const hasOgr = isInstalled('ogrinfo');
const python = pythonWith('osgeo.gdal', 'numpy');
const pythonCv = pythonWith('cv2', 'numpy');
const store = new FileStore();
let folder: string;
let shared: string; // what several tests look at
let out: string;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'doppel-register-'));
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-register-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true }));
afterAll(() => rm(shared, { recursive: true }));

const scenes = new Map<string, Promise<string>>();

/** Scenes in a folder: made once, and copied. */
async function putScenes(to: string, kind: ModelKind, made: MadeScene): Promise<void> {
  const key = inspect([kind, made], { depth: null, maxArrayLength: null, maxStringLength: null });
  const from = join(shared, `scenes-${scenes.size}`);
  if (!scenes.has(key))
    scenes.set(
      key,
      writeScenes(store, from, MAPS[kind], made).then(() => from),
    );
  await cp(await scenes.get(key)!, to, { recursive: true });
}

async function written(
  kind: ModelKind,
  made: MadeScene = {},
  options: OutputOptions = {},
  changes: Partial<Registration> = {},
  to = folder,
) {
  await putScenes(to, kind, made);
  const registration = madeRegistration(to, MAPS[kind], made, changes);
  return { registration, files: await writeOutputs(store, registration, join(to, 'out'), options) };
}

const outputs = new Map<ModelKind, ReturnType<typeof written>>();
const TIMES = { datetime: '2020-11-04T11:12:00+01:00', now: new Date(0) };

/** Outputs that several tests look at and none changes. */
function looked(kind: ModelKind) {
  if (!outputs.has(kind)) outputs.set(kind, written(kind, {}, TIMES, {}, join(shared, kind)));
  return outputs.get(kind)!;
}

/** A copy of them in the folder of the test. @returns the shared ones. */
async function putLooked(kind: ModelKind) {
  const shared = await looked(kind);
  await cp(dirname(shared.files.transform!), out, { recursive: true });
  return shared;
}

/** Root mean square difference of a written scene from the ground it should show, and the share that is missing. */
async function differenceFromTruth(path: string) {
  const file = await openPlaced(store, path);
  const { data, noData, width, height, bands } = await file.read();
  const { toGround } = affineMap(file.transform!);
  let [sum, count] = [0, 0];
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (noData?.[pixel]) continue;
    const truth = brightness(toGround((pixel % width) + 0.5, Math.floor(pixel / width) + 0.5));
    sum += (data[pixel * bands]! - truth) ** 2;
    count++;
  }
  return { rms: Math.sqrt(sum / count), missing: 1 - count / (width * height), file };
}

/** Difference that a tenth of a pixel makes: the root mean square slope of the brightness. */
const TENTH = 4.5;

describe('the aligned scene', () => {
  it.each(MODEL_KINDS)('lies on the ground of the SAR scene: %s', async (kind) => {
    const { files } = await looked(kind);
    const { rms, missing, file } = await differenceFromTruth(files.aligned!);
    expect(rms).toBeLessThan(TENTH);
    expect(missing).toBeGreaterThan(0.002);
    expect(missing).toBeLessThan(0.1);
    expect(file.noData).toBe(0);
    const [x, , , y] = file.transform!;
    expect([(x - SAR_TRANSFORM[0]) % 10, (y - SAR_TRANSFORM[3]) % 10].map(Math.abs)).toEqual([0, 0]);
  });

  it.each(['nearest', 'lanczos'] as const)('by %s', async (resampling) => {
    const { files } = await written('affine', {}, { resampling });
    expect((await differenceFromTruth(files.aligned!)).rms).toBeLessThan(resampling === 'nearest' ? 40 : TENTH);
  });

  it('moves the SAR scene onto the optical one', async () => {
    const { files, registration } = await written('affine', {}, { align: 'sar' });
    const file = await openPlaced(store, files.aligned!);
    const { data, noData, width, height } = await file.read();
    const { toGround } = affineMap(file.transform!);
    let [sum, count] = [0, 0];
    for (let pixel = 0; pixel < width * height; pixel++) {
      if (noData?.[pixel]) continue;
      const ground = toGround((pixel % width) + 0.5, Math.floor(pixel / width) + 0.5);
      sum += (data[pixel]! - brightness(mapPoint(registration.correction!.map, ground))) ** 2;
      count++;
    }
    expect(Math.sqrt(sum / count)).toBeLessThan(TENTH);
    expect(count / (width * height)).toBeGreaterThan(0.85);
  });

  it.each(['snapped', 'fixed', 'own'] as const)('of finer pixels in degrees, on the %s lattice', async (lattice) => {
    const made: MadeScene = { crs: 'EPSG:4326', transform: [15.01, 0.00005, 0, 45.13, 0, -0.00004] };
    const { files } = await written('affine', made, { lattice });
    const { file } = await differenceFromTruth(files.aligned!);
    expect(file.crs).toBe(lattice === 'own' ? 'EPSG:4326' : 'EPSG:32633');
    expect(file.transform![1]).toBeCloseTo({ snapped: 10 / 3, fixed: 10, own: 0.00005 }[lattice], 9);
    if (lattice !== 'own') expect((await differenceFromTruth(files.aligned!)).rms).toBeLessThan(TENTH);
    if (lattice === 'fixed') expect([file.width, file.height]).toEqual([300, 300]);
  });

  it.each(SIDES)('with a SAR file that control points place: %s moves', async (align) => {
    const { files, registration } = await written('shift', { hasControlPoints: true }, { align });
    const file = await openPlaced(store, files.aligned!);
    const step = (file.transform![0] - registration.grid.transform[0]!) / 10;
    expect([file.crs, file.transform![1], step]).toEqual(['EPSG:32633', 10, expect.closeTo(Math.round(step), 6)]);
    if (align === 'optical') expect((await differenceFromTruth(files.aligned!)).rms).toBeLessThan(TENTH);
    await expect(written('shift', { hasControlPoints: true }, { lattice: 'fixed' })).rejects.toThrow('control points');
  });

  it('in a system without a code, by the keys that state it', async () => {
    const crs = '+proj=aea +lat_1=44 +lat_2=46 +lat_0=45 +lon_0=15 +x_0=0 +y_0=0 +datum=WGS84 +units=m';
    const keys = new Map<number, number>([
      ...([
        [1024, 1],
        [2048, 4326],
        [3072, 32767],
        [3074, 32767],
        [3075, 11],
        [3076, 9001],
      ] as const),
      ...([
        [3078, 44],
        [3079, 46],
        [3081, 45],
        [3080, 15],
        [3082, 0],
        [3083, 0],
      ] as const),
    ]);
    const transform = [400, 10, 0, 15_800, 0, -10] as const;
    const stated = systemOfKeys(keys).crs!;
    const made: MadeScene = { crs, transform, image: { place: geoTags(stated, transform, 'optical.tif', keys) } };
    const { files } = await written('affine', made, { lattice: 'own' });
    const file = await openPlaced(store, files.aligned!);
    expect(file.crs).toBe(stated);
    if (hasGdal)
      expect(output('gdalinfo', files.aligned!)).toMatch(/Albers Equal Area[\s\S]*1st standard parallel",44/);
    const toWorking = transformBetween(file.crs!, 'EPSG:32633', 'test');
    const { data, width } = await file.read();
    const ground = toWorking(...affineMap(file.transform!).toGround(150.5, 120.5));
    expect(Math.abs(data[2 * (120 * width + 150)]! - brightness(ground))).toBeLessThan(TENTH);
  });

  it('keeps a type, a mask, names and colours', async () => {
    const facts = new Map([[0, { name: 'B04', unit: 'reflectance' }]]);
    const image = { type: 'uint8', bands: 3, noData: undefined, isRgb: true, facts } as const;
    const { files } = await written('shift', { image });
    const file = await openPlaced(store, files.aligned!);
    expect([file.sample, file.isRgb, file.noData, file.facts.get(0)]).toEqual([
      { kind: 'unsigned', bits: 8 },
      true,
      undefined,
      { name: 'B04', unit: 'reflectance' },
    ]);
    expect((await file.read()).noData?.includes(1)).toBe(true);
  });

  it('leaves the pixels alone where only the transform is wanted', async () => {
    const { files } = await written('affine', {}, { geotransformOnly: true });
    const [before, after] = [await openPlaced(store, `${folder}/optical.tif`), await openPlaced(store, files.aligned!)];
    const bytesOf = async (file: typeof before) => {
      const { data } = await file.read();
      return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    };
    expect((await bytesOf(after)).equals(await bytesOf(before))).toBe(true);
    expect((await differenceFromTruth(files.aligned!)).rms).toBeLessThan(1);
    const bent = { ...MAPS.quadratic, x: [...MAPS.quadratic.x.slice(0, 3), 30, 0, 0] };
    const registration = { ...madeRegistration(folder, MAPS.affine), correction: { crs: 'EPSG:32633', map: bent } };
    await expect(writeOutputs(store, registration, out, { geotransformOnly: true })).rejects.toThrow('Resample it');
  });

  it.skipIf(!hasGdal || !python).each(['shift', 'affine', 'quadratic', 'spline'] as const)(
    'is what gdalwarp makes of our control points: %s (gdal-bin, python3-gdal)',
    async (kind) => {
      const { files } = await written(kind);
      const moved = `${folder}-moved`; // with its scenes; the script is then run from another folder
      await rename(folder, moved);
      const now = (path: string) => path.replace(folder, moved);
      const [aligned, warped] = [await openPlaced(store, now(files.aligned!)), now(join(out, 'gcps_warped.tif'))];
      const [x, a, , y, , d] = aligned.transform!;
      const extent = [x, y + d * aligned.height, x + a * aligned.width, y].join(' ');
      output('sh', '-c', `cd / && sh ${now(files.warp!)} -q -et 0 -te ${extent} -tr 10 10`);
      // Position: by least squares of the difference over the slopes of the picture, in each block of 50 × 50 pixels.
      const script = `
import json, sys, numpy as np
from osgeo import gdal
gdal.UseExceptions()
files = [gdal.Open(p) for p in sys.argv[1:]]
a, b = [f.GetRasterBand(1).ReadAsArray().astype(float) for f in files]
gy, gx = np.gradient(a)
moves = []
for r in range(0, a.shape[0] - 50, 50):
  for c in range(0, a.shape[1] - 50, 50):
    s = np.s_[r + 1:r + 49, c + 1:c + 49]
    if (a[s] == 0).any() or (b[s] == 0).any(): continue
    A = np.stack([gx[s].ravel(), gy[s].ravel()], 1)
    move = np.linalg.lstsq(A, (b[s] - a[s]).ravel(), rcond=None)[0]
    moves.append(float(np.hypot(*move)))
print(json.dumps(dict(median=float(np.median(moves)), worst=max(moves), blocks=len(moves))))`;
      const found = JSON.parse(output(python!, '-c', script, now(files.aligned!), warped));
      folder = moved;
      expect(found.blocks).toBeGreaterThan(15);
      expect(found.median).toBeLessThan(0.1);
      expect(found.worst).toBeLessThan(0.15);
    },
  );

  it('stays a twentieth of a pixel from the truth by another file of other pixels: apply', async () => {
    const { files, registration } = await looked('affine');
    const transform: typeof SAR_TRANSFORM = [500_150, 20, 0, 4_999_900, 0, -20];
    const other = join(folder, 'other');
    await putScenes(other, 'affine', { transform, image: { bands: 1, type: 'int16', noData: -1 } });
    const applied = join(folder, 'applied.tif');
    await applyTransform(store, await readTransform(store, files.transform!), `${other}/optical.tif`, applied);
    const { rms, file } = await differenceFromTruth(applied);
    expect(rms).toBeLessThan(3 * TENTH);
    expect([file.transform![1], file.sample.kind, file.noData]).toEqual([20, 'signed', -1]);
    const refused = {
      ...(await readTransform(store, files.transform!)),
      status: 'refused' as const,
      reason: 'too few points',
    };
    await expect(applyTransform(store, refused, applied, `${applied}.2`)).rejects.toThrow('too few points');
    expect(registration.status).toBe('trusted');
  });

  it.each(SIDES)(
    'says which share of a file lies on the registered ground, and refuses other ground: apply, %s',
    async (align) => {
      const { files } = await looked('quadratic');
      const transform = await readTransform(store, files.transform!);
      const at = async (east: number, pixel = 10) => {
        const made = { transform: [500_000 + east, pixel, 0, 5_000_000, 0, -pixel] as const };
        await putScenes(join(folder, 'other'), 'quadratic', { transform: [...made.transform] });
        const input = join(folder, 'other', 'optical.tif');
        return (await applyTransform(store, transform, input, join(folder, 'b.tif'), { align })).registeredShare;
      };
      expect(await at(200)).toBeGreaterThan(0.85);
      expect(await at(1500)).toBeCloseTo(0.5, 1);
      expect(await at(-40_000, 300)).toBeLessThan(0.01);
      await store.remove(join(folder, 'b.tif'));
      const refusal = at(20_000);
      await expect(refusal).rejects.toThrow(/a file of the ground that was registered, around 15\.019, 45\.1\d\d/);
      await expect(refusal).rejects.toThrow(/found one of other ground, around 15\.27/);
      expect(await store.stat(join(folder, 'b.tif'))).toBeUndefined();
    },
  );
});

describe('writeOutputs', () => {
  it('writes every file, and nothing else', async () => {
    const { files } = await looked('affine');
    const folder = dirname(files.transform!);
    const names = Object.values(files).map((path) => path!.slice(folder.length + 1));
    expect(await readdir(folder)).toEqual([...names].sort());
    expect(Object.keys(files).at(-1)).toBe('transform');
    expect(names).toHaveLength(13);
  });

  it('writes no scene, no warp and no item for a refused registration, and removes older ones', async () => {
    await putLooked('affine');
    const { files } = await written('affine', {}, {}, { status: 'refused', reason: 'too few points' });
    expect(Object.keys(files)).toEqual([
      ...['geojson', 'geopackage', 'csv', 'qgis', 'qgisGeoreferenced', 'enviImage', 'enviMap', 'transform'],
    ]);
    expect(await readdir(out)).toHaveLength(8);
    expect(await readTransform(store, files.transform!)).toMatchObject({ status: 'refused', reason: 'too few points' });
  });

  it('states the whole registration in transform.json', async () => {
    const { files, registration } = await looked('spline');
    const { points, ...rest } = registration;
    const read = await readTransform(store, files.transform!);
    expect(read).toMatchObject(rest);
    const count = (reason: string) => points.filter((point) => point.reason === reason).length;
    expect(read.points).toEqual({ used: count('used'), 'no data': 3, ambiguous: count('ambiguous') });
    expect(points).toHaveLength(36);
    const cut = join(folder, 'transform.json');
    await store.write(cut, JSON.stringify({ ...read, correction: { crs: 'EPSG:32633' } }));
    await expect(readTransform(store, cut)).rejects.toThrow('correction.map');
  });

  it('states the displacement of the ground', async () => {
    const { files } = await looked('quadratic');
    const file = await openPlaced(store, files.displacement!);
    const { data, width } = await file.read();
    const ground = affineMap(file.transform!).toGround(50.5, 100.5);
    const to = mapPoint(MAPS.quadratic, ground);
    const at = 2 * (100 * width + 50);
    expect(data[at]).toBeCloseTo(to[0] - ground[0], 3);
    expect(data[at + 1]).toBeCloseTo(to[1] - ground[1], 3);
    expect([file.facts.get(0)?.name, file.facts.get(1)?.unit]).toEqual(['displacement_x', 'm']);
  });

  it('states it in metres of the ground, whatever the units of the reference system', async () => {
    const grid = { ...madeRegistration(folder, MAPS.shift).grid, metres: 5 }; // half of its units, as at 60° north in EPSG:3395
    const { files } = await written('shift', {}, {}, { grid });
    const { data } = await (await openPlaced(store, files.displacement!)).read();
    expect([data[0], data[1]]).toEqual([expect.closeTo(37.3 / 2, 3), expect.closeTo(-52.1 / 2, 3)]);
  });

  it('states points for QGIS: pixels with negative rows, or ground by the own georeference; rejected ones disabled', async () => {
    const { files, registration } = await looked('affine');
    const lines = async (path: string) =>
      new TextDecoder()
        .decode(await store.read(path))
        .trim()
        .split('\n');
    const [crs, head, ...rows] = await lines(files.qgis!);
    expect(crs).toMatch(/^#CRS: PROJCS\["WGS 84 \/ UTM zone 33N",.*AUTHORITY\["EPSG","32633"\]\]$/);
    expect(head).toBe('mapX,mapY,sourceX,sourceY,enable,dX,dY,residual');
    const found = registration.points.filter(({ optical }) => optical);
    expect(rows.map((row) => row.split(',').slice(0, 5).map(Number))).toEqual(
      found.map(({ sarGround, optical, reason }) => [
        ...sarGround,
        optical![0],
        -optical![1],
        reason === 'used' ? 1 : 0,
      ]),
    );
    const [, , first] = await lines(files.qgisGeoreferenced!);
    const [x, y] = first!.split(',').slice(2, 4).map(Number) as [number, number];
    expect([x, y]).toEqual(found[0]!.opticalGround!.map((each) => expect.closeTo(each, 6)));
  });

  it('states points for ENVI, counted from 1, in both forms', async () => {
    const { files, registration } = await looked('affine');
    const [image, map] = await Promise.all(
      [files.enviImage!, files.enviMap!].map(async (path) =>
        new TextDecoder().decode(await store.read(path)).split('\n'),
      ),
    );
    expect(image![0]).toBe('; ENVI Image to Image GCP File');
    expect(map!.slice(0, 2)).toEqual([
      '; ENVI Image to Map GCP File',
      '; projection info = {UTM, 33, North, WGS-84, units=Meters}',
    ]);
    const first = registration.points.find(({ reason }) => reason === 'used')!;
    const numbers = (line: string) => line.trim().split(/\s+/).map(Number);
    const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 3));
    expect(numbers(image![5]!)).toEqual(
      near([first.sar[0] + 1, first.sar[1] + 1, first.optical![0] + 1, first.optical![1] + 1]),
    );
    expect(numbers(map![5]!)).toEqual(near([...first.sarGround, first.optical![0] + 1, first.optical![1] + 1]));
  });

  it('states accuracy in the STAC item', async () => {
    const { files } = await looked('affine');
    const item = JSON.parse(new TextDecoder().decode(await store.read(files.stac!)));
    expect(item).toMatchObject({ type: 'Feature', stac_version: '1.0.0', id: 'optical-aligned', links: [] });
    expect(item.properties).toMatchObject({
      datetime: '2020-11-04T10:12:00.000Z',
      'doppel:datetime_source': 'caller',
      'card4l:eastern_geometric_accuracy': { bias: 0.4, stddev: expect.closeTo(Math.sqrt(4 - 0.16), 9) },
      'card4l:northern_geometric_accuracy': { bias: -0.3 },
      'proj:epsg': 32633,
    });
    const [west, south, east, north] = item.bbox;
    expect(west < east && south < north).toBe(true);
    expect(item.geometry.coordinates[0]).toHaveLength(5);
    for (const { href } of Object.values<{ href: string }>(item.assets))
      expect(await readdir(dirname(files.stac!))).toContain(href.slice(2));
    await expect(written('affine', {}, { datetime: 'yesterday' })).rejects.toThrow('RFC 3339');
  });

  it('writes an item by the rules of STAC, and none without a time', async () => {
    const { files } = await looked('affine');
    const item = STAC_ITEM.parse(JSON.parse(new TextDecoder().decode(await store.read(files.stac!))));
    expect(item.properties.datetime).toBe('2020-11-04T10:12:00.000Z');
    expect(() => STAC_ITEM.parse({ ...item, bbox: [0, 0, 1, 1] })).toThrow('another bounding box');
    await putLooked('affine');
    expect(await readdir(out)).toContain('item.json');
    const unknown = await written('affine');
    expect(unknown.files.stac).toBeUndefined();
    expect(await readdir(out)).not.toContain('item.json');
  });

  it.skipIf(!hasGdal)('writes an item through which GDAL opens the aligned scene: STACIT (gdal-bin)', async () => {
    const { files } = await putLooked('affine');
    const item = JSON.parse(new TextDecoder().decode(await store.read(files.stac!)));
    const items = { type: 'FeatureCollection', stac_version: '1.0.0', features: [item] };
    await store.write(join(out, 'items.json'), JSON.stringify(items));
    const seen = (path: string) => {
      const { size, geoTransform, bands } = JSON.parse(
        output('sh', '-c', `cd '${out}' && gdalinfo -json -checksum '${path}'`),
      );
      return { size, geoTransform, sums: bands.map(({ checksum }: { checksum: number }) => checksum) };
    };
    const through = seen('STACIT:"items.json":asset=aligned');
    const direct = seen(join(out, basename(files.aligned!)));
    expect(through).toEqual({
      ...direct,
      geoTransform: direct.geoTransform.map((each: number) => expect.closeTo(each, 6)),
    });
  });

  it.skipIf(!hasOgr)('writes a GeoPackage and GeoJSON that ogrinfo reads (gdal-bin)', async () => {
    const { files, registration } = await looked('affine');
    const info = (path: string, layer: string) => output('ogrinfo', '-so', path, layer);
    const features = (path: string, ...more: string[]) =>
      JSON.parse(output('ogr2ogr', '-f', 'GeoJSON', '/vsistdout/', path, ...more)).features;
    for (const [layer, geometry, count] of [
      ['tie_points', 'Point', 36],
      ['offsets', 'Line String', 33],
    ] as const) {
      const text = info(files.geopackage!, layer);
      expect(text).toContain(`Geometry: ${geometry}`);
      expect(text).toContain(`Feature Count: ${count}`);
      expect(text).toContain('WGS 84 / UTM zone 33N');
    }
    expect(info(files.geojson!, 'tie_points')).toMatch(/Feature Count: 36[\s\S]*GEOGCRS\["WGS 84"/);
    const { coordinates } = features(files.geojson!)[7].geometry;
    const { sarGround } = registration.points[7]!;
    const back = output(
      'sh',
      '-c',
      `echo ${coordinates.join(' ')} | gdaltransform -s_srs EPSG:4326 -t_srs EPSG:32633 -output_xy`,
    );
    expect(back.trim().split(' ').map(Number)).toEqual(sarGround.map((each) => expect.closeTo(each, 2)));
    const [seventh] = features(files.geopackage!, '-where', 'id = 7', 'tie_points');
    expect(seventh.properties).toMatchObject({ reason: registration.points[7]!.reason, peak: 0.8 });
  });

  it.skipIf(!pythonCv)('writes points of which OpenCV makes our matrix (python3-opencv)', async () => {
    const { files, registration } = await looked('affine');
    const script = `
import csv, json, sys, cv2, numpy as np
rows = [r for r in csv.DictReader(open(sys.argv[1])) if r['reason'] == 'used']
pick = lambda a, b: np.array([[float(r[a]), float(r[b])] for r in rows])
matrix, _ = cv2.estimateAffine2D(pick('optical_column', 'optical_row'), pick('sar_column', 'sar_row'))
print(json.dumps(matrix.tolist()))`;
    const matrix = JSON.parse(output(pythonCv!, '-c', script, files.csv!));
    const near = registration
      .matrix!.slice(0, 2)
      .map((row) => row.map((value, i) => expect.closeTo(value, i === 2 ? 2 : 5)));
    expect(matrix).toEqual(near);
  });
});
