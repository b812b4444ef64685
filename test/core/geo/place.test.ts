import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../packages/core/src/errors.ts';
import { mapOf, openPlaced } from '../../../packages/core/src/geo/place.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { geoTags, type Tag, tiffFile } from '../raster/tiff_fixture.ts';

interface GdalPlace {
  name: string;
  tags: Record<string, number[] | string>;
  /** Longitude and latitude of the pixels of `PIXELS`. */
  corners: [number, number][];
}

const { places } = JSON.parse(readFileSync(new URL('../../fixtures/gdal_places.json', import.meta.url), 'utf8')) as {
  places: GdalPlace[];
};
const PIXELS = [
  [0, 0],
  [64, 0],
  [0, 64],
  [64, 64],
  [31.5, 20.25],
] as const;
const SIDE = 64;

/** Metres by which proj4 and PROJ may differ: other series (Robinson), datums that PROJ shifts by grids. */
const LOOSER: Record<string, number> = {
  'ESRI:54030': 3,
  '+proj=robin +lon_0=0': 3,
  'EPSG:5514': 10,
  'EPSG:26711': 10,
  'EPSG:31467': 5,
  'EPSG:23032': 5,
};

function image(tags: Record<number, Tag>): Uint8Array {
  return tiffFile({ width: SIDE, height: SIDE, tags, value: () => 7 });
}

function tagsOf({ tags }: GdalPlace): Record<number, Tag> {
  const kind = (code: string, values: number[] | string): Tag =>
    typeof values === 'string' ? values : code === '34735' ? { short: values } : { double: values };
  return Object.fromEntries(Object.entries(tags).map(([code, values]) => [Number(code), kind(code, values)]));
}

async function place(files: Record<string, Uint8Array | string>, name = 'a.tif') {
  const store = new MemoryStore();
  for (const [path, content] of Object.entries(files)) await store.write(path, content);
  return openPlaced(store, name);
}

async function cornersOf(file: Awaited<ReturnType<typeof place>>): Promise<[number, number][]> {
  const toLonLat = transformBetween(file.crs!, 'EPSG:4326', 'test');
  return PIXELS.map(([column, row]) => toLonLat(...mapOf(file)!.toGround(column, row)));
}

/** Metres between the point that is furthest off and where it should be. */
function worstDistance(found: readonly [number, number][], expected: readonly [number, number][]): number {
  const distances = found.map(([longitude, latitude], i) => {
    const [x, y] = expected[i]!;
    const turn = ((((longitude - x + 540) % 360) + 360) % 360) - 180;
    return Math.hypot(turn * 111_320 * Math.cos((y * Math.PI) / 180), (latitude - y) * 110_600);
  });
  return distances.some(Number.isNaN) ? Number.NaN : Math.max(...distances);
}

describe('places as GDAL writes them', () => {
  it.each(places)('$name', async (known) => {
    const found = await cornersOf(await place({ 'a.tif': image(tagsOf(known)) }));
    expect(worstDistance(found, known.corners)).toBeLessThan(LOOSER[known.name] ?? 1);
  });
});

const WGS84_KEYS = { short: [1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326] };
const points = (count: number, at: (column: number, row: number) => [number, number]) => ({
  double: Array.from({ length: count * count }, (_, i) => {
    const [column, row] = [((i % count) * SIDE) / (count - 1), (Math.floor(i / count) * SIDE) / (count - 1)];
    return [column, row, 0, ...at(column, row), 0];
  }).flat(),
});

describe('ground control points', () => {
  it('across the antimeridian are one map', async () => {
    const tie = points(3, (column, row) => [((179.997 + 1e-4 * column + 180) % 360) - 180, 50 - 1e-4 * row]);
    const file = await place({ 'a.tif': image({ 33922: tie, 34735: WGS84_KEYS }) });
    const [x, y] = mapOf(file)!.toGround(SIDE / 2, SIDE / 2);
    expect(((x + 360) % 360) - 180.0002).toBeCloseTo(0, 9);
    expect(y).toBeCloseTo(50 - 32e-4, 9);
  });

  it('tell how far they are off their map', async () => {
    const tie = points(4, (column, row) => [
      15 + 1e-4 * (column + (column === 0 && row === 0 ? 3 : 0)),
      50 - 1e-4 * row,
    ]);
    const file = await place({ 'a.tif': image({ 33922: tie, 34735: WGS84_KEYS }) });
    expect(file.guesses).toEqual([
      expect.stringMatching(
        /map of order 2 fitted to 16 control points: off by 0\.\d\d pixels on average, 1\.\d\d at most/,
      ),
    ]);
  });

  it.each([
    ['on a line', points(2, () => [15, 50]), WGS84_KEYS, /do not determine a map.*gdalwarp -tps/],
    [
      'on rough ground',
      points(4, (c, r) => [15 + 1e-4 * (c + ((c * 7 + r * 3) % 60)), 50 - 1e-4 * r]),
      WGS84_KEYS,
      /misses by .* pixels/,
    ],
    [
      'of no system',
      points(3, (c, r) => [15 + c, 50 - r]),
      { short: [1, 1, 0, 1, 1025, 0, 1, 1] },
      /without a reference system/,
    ],
  ])('%s are refused', async (_, tie, keys, message) => {
    const opened = place({ 'a.tif': image({ 33922: tie, 34735: keys }) });
    await expect(opened).rejects.toThrow(FormatError);
    await expect(opened).rejects.toThrow(message);
  });
});

describe('what is refused by name', () => {
  const esri = (projection: string) =>
    `ESRI PE String = PROJCS["x",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["${projection}"],PARAMETER["Central_Meridian",0.0],UNIT["Meter",1.0]]|`;
  const pe = (projection: string) => {
    const text = esri(projection);
    return { 34735: { short: [1, 1, 0, 2, 1024, 0, 1, 1, 3073, 34737, text.length, 0] }, 34737: text };
  };
  const grid = { 33550: { double: [10, 10, 0] }, 33922: { double: [0, 0, 0, 1e6, 5e6, 0] } };
  const code = (key: number, value: number) => ({ 34735: { short: [1, 1, 0, 2, 1024, 0, 1, 1, key, 0, 1, value] } });

  it.each<[string, Record<number, Tag>, RegExp]>([
    [
      'a projection that cannot be computed',
      { ...grid, ...pe('Eckert_IV') },
      /the projection Eckert_IV cannot be computed.*gdalwarp -t_srs/,
    ],
    ['another', { ...grid, ...pe('Goode_Homolosine') }, /Goode_Homolosine/],
    ['a code that is none', { ...grid, ...code(3072, 54_321) }, /EPSG:54321.*no definition of this code/],
    [
      'a method of projection',
      { ...grid, 34735: { short: [1, 1, 0, 4, 1024, 0, 1, 1, 2048, 0, 1, 4326, 3072, 0, 1, 32_767, 3075, 0, 1, 2] } },
      /method 2/,
    ],
    [
      'geocentric coordinates',
      { ...grid, 34735: { short: [1, 1, 0, 2, 1024, 0, 1, 3, 2048, 0, 1, 4978] } },
      /geocentric/,
    ],
    ['angles in grads', { ...grid, 34735: { short: [1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4807] } }, /EPSG:4807/],
    ['coefficients without points', { 50844: { double: new Array<number>(92).fill(1) } }, /RPC.*gdalwarp -rpc/],
    [
      'a transform that is flat',
      { ...code(3072, 32_633), 34264: { double: [1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] } },
      /an invertible transform/,
    ],
    [
      'coordinates off the Earth',
      { 33550: { double: [1, 1, 0] }, 33922: { double: [0, 0, 0, 15, 500, 0] }, 34735: WGS84_KEYS },
      /no place on the Earth/,
    ],
  ])('%s', async (_, tags, message) => {
    await expect(place({ 'a.tif': image(tags) })).rejects.toThrow(FormatError);
    await expect(place({ 'a.tif': image(tags) })).rejects.toThrow(message);
  });
});

describe('what lies beside an image', () => {
  const plain = image({});
  const world = '10\n0\n0\n-10\n500005\n4999995\n';
  const prj =
    'PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]';

  it.each(['a.tfw', 'a.tifw', 'a.wld', 'a.TFW'])('a world file %s places it, with its .prj', async (name) => {
    const file = await place({ 'a.tif': plain, [name]: world, 'a.prj': prj });
    expect(file.transform).toEqual([500_000, 10, 0, 5_000_000, 0, -10]);
    expect(file.guesses).toEqual([`the place is that of ${name} beside it`]);
    // GDAL: gdaltransform -s_srs EPSG:32633 -t_srs EPSG:4326 <<< "500000 5000000" → 15 45.1534771833534
    const [longitude, latitude] = (await cornersOf(file))[0]!;
    expect(longitude).toBeCloseTo(15, 8);
    expect(latitude).toBeCloseTo(45.1534771834, 7);
  });

  it('counts for nothing where the file says it itself', async () => {
    const file = await place({ 'a.tif': image(geoTags(400_000, 3_700_000, 10)), 'a.tfw': world });
    expect([file.crs, file.transform?.[0]]).toEqual(['EPSG:32611', 400_000]);
  });

  it('an .aux.xml counts before the tags of the file, as for GDAL', async () => {
    const xml =
      '<PAMDataset><SRS dataAxisToSRSAxisMapping="1,2">PROJCS["WGS 84 / UTM zone 33N",AUTHORITY["EPSG","32633"]]</SRS><GeoTransform> 5.0e5, 8, 3, 5.0e6, 3, -8</GeoTransform></PAMDataset>';
    const file = await place({ 'a.tif': image(geoTags(400_000, 3_700_000, 10)), 'a.tif.aux.xml': xml });
    expect(file.transform).toEqual([500_000, 8, 3, 5_000_000, 3, -8]);
    expect((await cornersOf(file))[0]![0]).toBeCloseTo(15, 8);
  });

  it('control points of an .aux.xml place it, too', async () => {
    const gcps = [
      [0, 0, 15, 50],
      [64, 0, 15.0064, 50],
      [0, 64, 15, 49.9936],
    ].map(([c, r, x, y], i) => `<GCP Id="${i}" Pixel="${c}" Line="${r}" X="${x}" Y="${y}" Z="0"/>`);
    const xml = `<PAMDataset><GCPList Projection="EPSG:4326">${gcps.join('')}</GCPList></PAMDataset>`;
    const file = await place({ 'a.tif': plain, 'a.tif.aux.xml': xml });
    const [x, y] = mapOf(file)!.toGround(32, 32);
    expect([x, y]).toEqual([expect.closeTo(15.0032, 9), expect.closeTo(49.9968, 9)]);
  });

  it('a world file counts before control points of the file, those of an .aux.xml before its transform, as for GDAL', async () => {
    // gdal.Transformer(gdal.Open(FILE), None, []) takes the same
    const tie = [0, 0, 0, 15, 50, 0, 64, 0, 0, 15.0064, 50, 0, 0, 64, 0, 15, 49.9936, 0];
    const points = image({ 33922: { double: tie }, 34735: WGS84_KEYS });
    const file = await place({ 'a.tif': points, 'a.tfw': '1e-4\n0\n0\n-1e-4\n16\n46\n' });
    expect([file.transform?.[0], file.guesses]).toEqual([15.99995, ['the place is that of a.tfw beside it']]);
    const gcps = [0, 1, 2].map(
      (i) => `<GCP Pixel="${i % 2}" Line="${i >> 1}" X="${15 + (i % 2)}" Y="${50 - (i >> 1)}"/>`,
    );
    const xml = `<PAMDataset><GCPList Projection="EPSG:4326">${gcps.join('')}</GCPList></PAMDataset>`;
    const both = await place({ 'a.tif': image(geoTags(400_000, 3_700_000, 10)), 'a.tif.aux.xml': xml });
    expect([both.crs, both.transform]).toEqual(['EPSG:4326', undefined]);
  });

  it("a transform of pixels without a system says nothing, as GDAL's default", async () => {
    const file = await place({
      'a.tif': image({ 33550: { double: [1, 1, 0] }, 33922: { double: [0, 0, 0, 0, 0, 0] } }),
    });
    expect([file.crs, file.transform]).toEqual([undefined, undefined]);
  });
});
