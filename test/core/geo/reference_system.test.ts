import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../packages/core/src/errors.ts';
import {
  crsProblem,
  referenceSystem,
  shiftDoubts,
  transformBetween,
} from '../../../packages/core/src/geo/reference_system.ts';

/** x, y by PROJ 9.1.1: `echo LON LAT | gdaltransform -s_srs OGC:CRS84 -t_srs SYSTEM`. Metres of tolerance. */
const KNOWN: [system: string, longitude: number, latitude: number, x: number, y: number, tolerance: number][] = [
  ['EPSG:3006', 15, 60, 500000.0, 6651411.19, 1],
  ['EPSG:27700', -2, 53, 400097.236, 344742.072, 10],
  ['EPSG:2154', 3, 46, 700000.0, 6544473.856, 1],
  ['EPSG:3035', 10, 50, 4321000.0, 2987510.567, 1],
  ['EPSG:31370', 4.4, 50.5, 152217.236, 132134.502, 3],
  ['EPSG:28992', 5, 52, 128410.085, 445806.509, 3],
  ['EPSG:2393', 26, 62, 3447773.566, 6877466.872, 5],
  ['EPSG:2169', 6.1, 49.6, 75075.465, 73931.154, 5],
  ['EPSG:2225', -122, 40.5, 6561666.667, 2065427.62, 1],
  ['EPSG:2053', 29, -28, 0.0, 3098441.747, 1],
  ['EPSG:21781', 8, 46.8, 642854.344, 183357.121, 1],
  ['EPSG:2193', 173, -41, 1600000.0, 5461242.938, 1],
  ['EPSG:3413', -40, 80, 94644.19, -1081788.043, 1],
  ['EPSG:3031', 30, -80, 544589.728, 943257.078, 1],
  ['EPSG:6933', 10, 50, 964862.803, 5614050.103, 1],
  ['EPSG:32760', 177, -18, 500000.0, 8009814.458, 1],
  ['EPSG:5070', -96, 40, 0.0, 1886977.565, 1],
  ['+proj=laea +lat_0=52 +lon_0=10 +datum=WGS84', 10.3, 52.2, 20511.502, 22296.033, 1],
  ['+proj=moll +lon_0=0 +datum=WGS84', 12, 40, 1019131.822, 4789399.15, 1],
  [
    '+proj=omerc +lat_0=45 +lonc=10 +alpha=30 +gamma=25 +k=0.999 +x_0=10 +y_0=20 +ellps=GRS80 +towgs84=0,0,0',
    10.2,
    45.3,
    12717.019,
    34585.462,
    1,
  ],
  [
    '+proj=utm +zone=33 +ellps=bessel +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7',
    15.2,
    48,
    515058.28,
    5315874.906,
    1,
  ],
];

describe('transformBetween', () => {
  it.each(KNOWN)('%s at %d, %d as PROJ', (system, longitude, latitude, x, y, tolerance) => {
    const [foundX, foundY] = transformBetween('EPSG:4326', system, 'test')(longitude, latitude);
    expect(Math.hypot(foundX - x, foundY - y)).toBeLessThan(tolerance);
  });

  it.each(['EPSG:3006', 'EPSG:3857', 'EPSG:32733', 'ESRI:none', '+proj=moll +datum=WGS84', 'EPSG:27700'])(
    'comes back through %s',
    (system) => {
      if (crsProblem(system)) return expect(system).toBe('ESRI:none');
      const [there, back] = [transformBetween('EPSG:4326', system, 't'), transformBetween(system, 'EPSG:4326', 't')];
      fc.assert(
        fc.property(
          fc.double({ min: 5, max: 20, noNaN: true }),
          fc.double({ min: -70, max: 70, noNaN: true }),
          (longitude, latitude) => {
            const [x, y] = back(...there(longitude, latitude));
            return Math.abs(x - longitude) < 1e-6 && Math.abs(y - latitude) < 1e-6;
          },
        ),
        { seed: 5, numRuns: 50 },
      );
    },
  );

  it('is NaN, and never an error, where a projection has no such place', () => {
    for (const [system, longitude, latitude] of [
      ['EPSG:3857', 0, 90],
      ['EPSG:3413', 0, -90],
      ['EPSG:32633', 105, 0],
      ['EPSG:4326', 0, 91],
    ] as const) {
      const [x, y] = transformBetween('EPSG:4258', system, 'test')(longitude, latitude);
      expect(Number.isFinite(x) && Number.isFinite(y) && Math.hypot(x, y) < 1e8).toBe(false);
    }
    expect(transformBetween('EPSG:4326', 'EPSG:32633', 'test')(Number.NaN, 1)).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('reference systems', () => {
  it.each([
    'EPSG:32633',
    'epsg:32633',
    'urn:ogc:def:crs:EPSG::32633',
    'urn:ogc:def:crs:EPSG:9.9:32633',
    'http://www.opengis.net/def/crs/EPSG/0/32633',
    '+init=epsg:32633',
    '+proj=utm +zone=33 +datum=WGS84',
    'PROJCS["any",GEOGCS["any"],AUTHORITY["EPSG","32633"]]',
    'PROJCRS["any",BASEGEOGCRS["any"],ID["EPSG",32633]]',
  ])('%s is UTM 33', (name) => {
    const [x, y] = transformBetween('EPSG:4326', name, 'test')(15, 45);
    expect([x, y]).toEqual([expect.closeTo(500_000, 3), expect.closeTo(4_982_950.4, 1)]);
  });

  it.each([
    ['EPSG:4326', 360],
    ['EPSG:3857', 40_075_016.686],
    ['EPSG:3395', 40_075_016.686],
    ['+proj=cea +lat_ts=30 +datum=WGS84', 34_735_060.9],
    ['EPSG:32633', undefined],
    ['EPSG:3035', undefined],
    ['ESRI:54009', undefined],
  ])('%s repeats itself after %s', (name, period) => {
    if (crsProblem(name)) return expect(name).toMatch(/^ESRI/);
    const found = referenceSystem(name, 'test').period;
    if (period === undefined) expect(found).toBeUndefined();
    else expect(found! / period).toBeCloseTo(1, 8);
  });

  it.each([
    ['EPSG:1', /no definition/],
    ['EPSG:4978', /no definition|geocentric/],
    ['+proj=utm +zone=10 +nadgrids=conus', /needs the grid file conus/],
    ['+proj=eck4', /eck4 cannot be computed/],
    ['nonsense', /./],
    ['', /./],
  ])('%s is refused, with the reason', (name, reason) => {
    expect(crsProblem(name)).toMatch(reason);
    expect(() => transformBetween(name, 'EPSG:4326', 'file.tif')).toThrow(FormatError);
  });

  it.each([
    ['EPSG:4267', /good to some 10 m/],
    ['+proj=longlat +ellps=bessel', /not known and taken as none/],
    ['EPSG:2401', /varies within its area/],
    ['EPSG:5514', /one for its whole area/],
    ['EPSG:28992', /one for its whole area/],
    ['EPSG:32633', undefined],
    ['EPSG:3006', undefined],
    ['EPSG:5070', undefined],
    ['EPSG:7844', undefined],
  ])('the doubt about %s is told', (name, doubt) => {
    const found = referenceSystem(name, 'test').doubt;
    if (doubt) expect(found).toMatch(doubt);
    else expect(found).toBeUndefined();
  });

  it.each([
    ['EPSG:5514', 'EPSG:32633', 1],
    ['EPSG:27700', 'EPSG:28992', 2],
    ['EPSG:5514', 'EPSG:4156', 0],
    ['EPSG:26711', 'EPSG:4267', 0],
    ['EPSG:32633', 'EPSG:3035', 0],
  ])('the shift from %s to %s has %d doubts', (from, to, count) => {
    expect(shiftDoubts(from, to, ['a', 'b'])).toHaveLength(count);
  });
});
