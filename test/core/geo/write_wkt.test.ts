/** Well-known text that is written: read back here and by GDAL, it places points where the system does. */
import { describe, expect, it } from 'vitest';
import { LON_LAT, transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import { wktOf } from '../../../packages/core/src/geo/write_wkt.ts';
import { isInstalled, output } from '../judges.ts';

/** Systems with a place inside their area, in degrees. */
const SYSTEMS: [crs: string, longitude: number, latitude: number][] = [
  ['EPSG:4326', 15.2, 45.1],
  ['EPSG:32633', 15.2, 45.1],
  ['EPSG:32733', 15.2, -25.1],
  ['EPSG:25832', 9.1, 50.2],
  ['EPSG:3395', -118.4, 34.2],
  ['EPSG:3857', -118.4, 34.2],
  ['EPSG:3035', 10.3, 52.2],
  ['EPSG:2154', 3.1, 46.6],
  ['EPSG:3031', 45, -75],
  ['EPSG:3995', 45, 75],
  ['EPSG:31287', 14.1, 47.2],
  ['+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=0 +y_0=0 +datum=WGS84 +units=m', -100, 40],
];
const hasGdal = isInstalled('gdaltransform');

describe('wktOf', () => {
  it.each(SYSTEMS)('%s is read back as the same system', (crs, longitude, latitude) => {
    const wkt = wktOf(crs);
    expect(wkt).not.toContain('\n');
    const [own, read] = [crs, wkt].map((each) => transformBetween(LON_LAT, each, 'test')(longitude, latitude));
    expect(read).toEqual(own!.map((each) => expect.closeTo(each, 3)));
  });

  it.skipIf(!hasGdal).each(SYSTEMS)('%s is placed alike by GDAL (gdal-bin)', (crs, longitude, latitude) => {
    const script = `echo ${longitude} ${latitude} | gdaltransform -s_srs OGC:CRS84 -t_srs "$0" -output_xy`;
    const found = output('sh', '-c', script, wktOf(crs)).trim().split(' ').map(Number);
    const own = transformBetween(LON_LAT, crs, 'test')(longitude, latitude);
    const isDegrees = Math.abs(own[0]) <= 180;
    expect(found.map((each, i) => Math.abs(each - own[i]!) < (isDegrees ? 1e-8 : 0.01))).toEqual([true, true]);
  });

  it('keeps a text that is one, on one line', () => {
    expect(wktOf('PROJCS["a",\n    GEOGCS["b"]]')).toBe('PROJCS["a",GEOGCS["b"]]');
  });
});
