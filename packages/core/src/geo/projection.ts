/**
 * Coordinates from one reference system to another. proj4 does the mathematics; it knows few EPSG codes by itself, so
 * the ones that remote sensing data come in are named here.
 */
import proj4 from 'proj4';
import { FormatError, reasonOf } from '../errors.ts';

/** x, y → x, y. Not finite where a point lies outside of what the projection can show. */
export type Transform = (x: number, y: number) => [number, number];

export const LON_LAT = 'EPSG:4326';

const DEFINITIONS: Record<string, string> = {
  'EPSG:2154':
    '+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 +ellps=GRS80 +towgs84=0,0,0 +units=m',
  'EPSG:3031': '+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m',
  'EPSG:3035': '+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +towgs84=0,0,0 +units=m',
  'EPSG:3395': '+proj=merc +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m',
  'EPSG:3413': '+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +x_0=0 +y_0=0 +datum=WGS84 +units=m',
  'EPSG:4258': '+proj=longlat +ellps=GRS80 +towgs84=0,0,0',
  'EPSG:5070': '+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +x_0=0 +y_0=0 +datum=NAD83 +units=m',
  'EPSG:6933': '+proj=cea +lat_ts=30 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m',
};

/** UTM on other ellipsoids: first and last code, and the zone of the first. */
const UTM_FAMILIES: [first: number, last: number, zone: number, rest: string][] = [
  [25828, 25838, 28, '+ellps=GRS80 +towgs84=0,0,0'], // ETRS89
  [26901, 26923, 1, '+datum=NAD83'],
  [28348, 28358, 48, '+south +ellps=GRS80 +towgs84=0,0,0'], // GDA94
  [7846, 7859, 46, '+south +ellps=GRS80 +towgs84=0,0,0'], // GDA2020
];

for (const [code, definition] of Object.entries(DEFINITIONS)) proj4.defs(code, definition);
for (const [first, last, zone, rest] of UTM_FAMILIES) {
  for (let code = first; code <= last; code++) {
    proj4.defs(`EPSG:${code}`, `+proj=utm +zone=${zone + code - first} ${rest} +units=m`);
  }
}

/** A PROJJSON document comes as text, for a raster's CRS is one string. */
const parsed = (crs: string) => (crs.trimStart().startsWith('{') ? JSON.parse(crs) : crs);

/** Undefined where the CRS is understood, else the reason. */
export function crsProblem(crs: string): string | undefined {
  try {
    proj4.Proj(parsed(crs));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * @param from a CRS as rasters have it: an EPSG code, or a definition in WKT, PROJJSON or the language of PROJ.
 * @param file that is named where one of them is not understood.
 * @throws FormatError
 */
export function transformBetween(from: string, to: string, file: string): Transform {
  if (from === to) return (x, y) => [x, y];
  for (const crs of [from, to]) {
    const problem = crsProblem(crs);
    if (problem === undefined) continue;
    throw new FormatError({
      action: 'place on the ground',
      file,
      expected: 'a coordinate reference system that proj4 understands',
      found: `"${crs.length > 80 ? `${crs.slice(0, 80)}…` : crs}" (${problem})`,
      remedy: 'Warp the file to a common system beforehand, such as its UTM zone (EPSG:326NN or EPSG:327NN).',
    });
  }
  const converter = proj4(parsed(from), parsed(to));
  return (x, y) => converter.forward([x, y]) as [number, number];
}
