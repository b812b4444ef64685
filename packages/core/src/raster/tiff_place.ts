/** Georeference of a GeoTIFF: GeoKeys of its reference system and pixel-to-ground transform (GeoTIFF 1.1). */
import type { AffineTransform, Georeference } from './raster.ts';
import { TAG, type TiffDirectory } from './tiff_directory.ts';

/** GeoKeys by number. */
export const GEO_KEY = {
  ...{ GTModelType: 1024, GTRasterType: 1025, GTCitation: 1026, GeographicType: 2048, GeogCitation: 2049 },
  ...{ ProjectedCSType: 3072, PCSCitation: 3073 },
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

/** Name of the reference system: "EPSG:n", or its citation if it has no code. */
export function crsOf({ keys }: Georeference): string | undefined {
  const code = keys.get(GEO_KEY.ProjectedCSType) ?? keys.get(GEO_KEY.GeographicType);
  if (code === undefined || code === 0) return undefined;
  if (code !== USER_DEFINED) return `EPSG:${code}`;
  return String(keys.get(GEO_KEY.PCSCitation) ?? keys.get(GEO_KEY.GTCitation) ?? 'user-defined');
}

/** Transform of the pixel's outer corner; that of a file of pixel centres is shifted by half a pixel. */
export function transformOf({
  keys,
  tiePoints: tie,
  pixelScale: scale,
  matrix,
}: Georeference): AffineTransform | undefined {
  let transform: AffineTransform | undefined;
  if (matrix && matrix.length >= 8) {
    transform = [matrix[3]!, matrix[0]!, matrix[1]!, matrix[7]!, matrix[4]!, matrix[5]!];
  } else if (tie?.length === 6 && scale && scale.length >= 2) {
    const [column, row, , x, y] = tie as [number, number, number, number, number];
    transform = [x - column * scale[0]!, scale[0]!, 0, y + row * scale[1]!, 0, -scale[1]!];
  }
  if (!transform?.every(Number.isFinite)) return undefined;
  const isPoint = keys.get(GEO_KEY.GTRasterType) === 2;
  const [a0, a1, a2, a3, a4, a5] = transform;
  return isPoint ? [a0 - (a1 + a2) / 2, a1, a2, a3 - (a4 + a5) / 2, a4, a5] : transform;
}
