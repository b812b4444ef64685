/** Georeference of a GeoTIFF to write: the tags of a transform and the keys of a reference system (GeoTIFF 1.1). */
import { FormatError } from '../errors.ts';
import type { AffineTransform, Georeference } from '../raster/raster.ts';
import { TAG } from '../raster/tiff_directory.ts';
import { asciiTag, type TiffTag } from '../raster/tiff_encoder.ts';
import { GEO_KEY } from '../raster/tiff_place.ts';
import { systemOfKeys } from './geo_keys.ts';
import { referenceSystem } from './reference_system.ts';

type KeyValue = number | string | readonly number[];

/** Values of GTModelType and GTRasterType. */
const [PROJECTED, GEOGRAPHIC, PIXEL_IS_AREA] = [1, 2, 1];

/**
 * @param keys of a file, which are kept where they state this very system: they may hold what an EPSG code cannot say.
 * @throws FormatError for a system that has neither a code nor keys nor a WKT.
 */
export function geoTags(
  crs: string,
  transform: AffineTransform,
  file: string,
  keys: Georeference['keys'] = new Map(),
): TiffTag[] {
  const own: ReadonlyMap<number, KeyValue> = systemOfKeys(keys).crs === crs ? keys : keysOf(crs, file);
  return [...transformTags(transform), ...keyTags(new Map([...own, [GEO_KEY.GTRasterType, PIXEL_IS_AREA]]))];
}

function transformTags([x, a, b, y, c, d]: AffineTransform): TiffTag[] {
  if (b === 0 && c === 0 && a > 0 && d < 0) {
    return [
      { tag: TAG.ModelPixelScale, type: 'double', values: [a, -d, 0] },
      { tag: TAG.ModelTiepoint, type: 'double', values: [0, 0, 0, x, y, 0] },
    ];
  }
  const matrix = [a, b, 0, x, c, d, 0, y, 0, 0, 0, 0, 0, 0, 0, 1];
  return [{ tag: TAG.ModelTransformation, type: 'double', values: matrix }];
}

/** GeoKey PCSCitation. */
const CITATION = 3073;
const USER_DEFINED = 32767;

function keysOf(crs: string, file: string): Map<number, KeyValue> {
  const { isGeographic } = referenceSystem(crs, file);
  const model: [number, number] = [GEO_KEY.GTModelType, isGeographic ? GEOGRAPHIC : PROJECTED];
  const key = isGeographic ? GEO_KEY.GeographicType : GEO_KEY.ProjectedCSType;
  const code = /^EPSG:(\d+)$/i.exec(crs)?.[1];
  if (code !== undefined) return new Map<number, KeyValue>([model, [key, Number(code)]]);
  if (/^(PROJCS|GEOGCS)\[/.test(crs.trim())) {
    return new Map<number, KeyValue>([model, [key, USER_DEFINED], [CITATION, `ESRI PE String = ${crs.trim()}`]]);
  }
  throw new FormatError({
    ...{ action: 'write the reference system into', file, expected: 'an EPSG code, or keys of a GeoTIFF' },
    found: `"${crs.slice(0, 80)}"`,
    remedy:
      'Warp the scene to a system with a code, such as its UTM zone: `gdalwarp -t_srs EPSG:326NN IN.tif OUT.tif`.',
  });
}

/** True for keys whose values are floating-point numbers (GeoTIFF 1.1, annex B). */
const isDouble = (key: number) =>
  [2053, 2055, 2057, 2058, 2059, 2061, 2062].includes(key) || (key >= 3077 && key < 4096);

function keyTags(keys: ReadonlyMap<number, KeyValue>): TiffTag[] {
  const directory: number[] = [];
  const doubles: number[] = [];
  let ascii = '';
  for (const [key, value] of [...keys].sort(([a], [b]) => a - b)) {
    if (typeof value === 'string') {
      directory.push(key, TAG.GeoAsciiParams, value.length + 1, ascii.length);
      ascii += `${value}|`;
    } else if (typeof value === 'number' && !isDouble(key)) {
      directory.push(key, 0, 1, value);
    } else {
      const values = typeof value === 'number' ? [value] : value;
      directory.push(key, TAG.GeoDoubleParams, values.length, doubles.length);
      doubles.push(...values);
    }
  }
  return [
    { tag: TAG.GeoKeyDirectory, type: 'short', values: [1, 1, 1, directory.length / 4, ...directory] },
    ...(doubles.length > 0 ? [{ tag: TAG.GeoDoubleParams, type: 'double', values: doubles } as const] : []),
    ...(ascii !== '' ? [asciiTag(TAG.GeoAsciiParams, ascii)] : []),
  ];
}
