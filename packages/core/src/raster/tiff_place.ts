/** Georeference of a GeoTIFF: GeoKeys of its reference system and pixel-to-ground transform (GeoTIFF 1.1). */
import type { AffineTransform, Georeference } from './raster.ts';
import { TAG, type TiffDirectory } from './tiff_directory.ts';

/** GeoKeys by number. */
export const GEO_KEY = {
  ...{ GTModelType: 1024, GTRasterType: 1025, GeographicType: 2048, ProjectedCSType: 3072 },
} as const;

/** @throws FormatError where tags are damaged. */
export async function readGeoreference(tags: TiffDirectory): Promise<Georeference | undefined> {
  const keys = await readGeoKeys(tags);
  const tiePoints = await tags.numbers(TAG.ModelTiepoint);
  const pixelScale = await tags.numbers(TAG.ModelPixelScale);
  const matrix = await tags.numbers(TAG.ModelTransformation);
  const hasRpc = tags.has(TAG.RpcCoefficients);
  if (keys.size === 0 && !tiePoints && !pixelScale && !matrix && !hasRpc) return undefined;
  return {
    keys,
    ...(tiePoints && { tiePoints }),
    ...(pixelScale && { pixelScale }),
    ...(matrix && { matrix }),
    hasRpc,
  };
}

async function readGeoKeys(tags: TiffDirectory): Promise<Georeference['keys']> {
  const keys = new Map<number, number | string | readonly number[]>();
  const directory = (await tags.numbers(TAG.GeoKeyDirectory)) ?? [];
  if (directory.length < 4) return keys;
  const doubles = (await tags.numbers(TAG.GeoDoubleParams)) ?? [];
  const ascii = (await tags.text(TAG.GeoAsciiParams)) ?? '';
  for (let at = 4; at + 3 < directory.length && at < 4 + directory[3]! * 4; at += 4) {
    const [key, location, count, value] = directory.slice(at, at + 4) as [number, number, number, number];
    if (location === 0) keys.set(key, value);
    else if (location === TAG.GeoAsciiParams) keys.set(key, ascii.slice(value, value + count).replace(/[|\0]+$/, ''));
    else if (location === TAG.GeoDoubleParams) {
      const values = doubles.slice(value, value + count);
      if (values.length > 0) keys.set(key, values.length === 1 ? values[0]! : values);
    }
  }
  return keys;
}

/** Codes that mean "described by other keys". */
const USER_DEFINED = 32767;
/** GTModelTypeGeoKey: longitude and latitude. */
const GEOGRAPHIC = 2;

/** Code of the reference system, "EPSG:n", if the file is in one that has a code; `geo/` knows the others. */
export function crsOf({ keys }: Georeference): string | undefined {
  const isProjected = keys.get(GEO_KEY.GTModelType) !== GEOGRAPHIC;
  const code = keys.get(isProjected ? GEO_KEY.ProjectedCSType : GEO_KEY.GeographicType);
  return typeof code === 'number' && code > 0 && code < USER_DEFINED ? `EPSG:${code}` : undefined;
}

/** True where coordinates are those of the centres of pixels (PixelIsPoint). */
export const isPixelCentre = ({ keys }: Georeference) => keys.get(GEO_KEY.GTRasterType) === 2;

/**
 * Transform of the pixel's outer corner; that of a file of pixel centres is shifted by half a pixel. Scale and tie point
 * count before a matrix, and north is up whatever the sign of the scale, as for GDAL.
 */
export function transformOf(georeference: Georeference): AffineTransform | undefined {
  const transform = fromScale(georeference) ?? fromMatrix(georeference);
  if (!transform?.every(Number.isFinite)) return undefined;
  const [a0, a1, a2, a3, a4, a5] = transform;
  return isPixelCentre(georeference) ? [a0 - (a1 + a2) / 2, a1, a2, a3 - (a4 + a5) / 2, a4, a5] : transform;
}

function fromScale({ tiePoints: tie, pixelScale: scale }: Georeference): AffineTransform | undefined {
  if (!tie || tie.length < 6 || !scale || scale.length < 2 || scale[0] === 0 || scale[1] === 0) return undefined;
  const [column, row, , x, y] = tie as [number, number, number, number, number];
  const [width, height] = [scale[0]!, Math.abs(scale[1]!)];
  return [x - column * width, width, 0, y + row * height, 0, -height];
}

const fromMatrix = ({ matrix: m }: Georeference): AffineTransform | undefined =>
  m && m.length >= 8 ? [m[3]!, m[0]!, m[1]!, m[7]!, m[4]!, m[5]!] : undefined;
