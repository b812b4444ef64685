/**
 * Decides the georeference of a raster file, from its tags and its companion files. No other code does.
 *
 * The order is GDAL's: a companion `.aux.xml` before the file's own tags, these before a world file, and this before
 * ground control points of the file. Pixels are placed by an affine transform, else by a map fitted to control points. `docs/data.md` says the same to users.
 */
import { FormatError } from '../errors.ts';
import { openRaster, type RasterFile, type RasterOptions } from '../raster/open.ts';
import type { AffineTransform, Georeference } from '../raster/raster.ts';
import { isPixelCentre, transformOf } from '../raster/tiff_place.ts';
import type { Store } from '../store.ts';
import { placeOfAuxXml } from './aux_xml.ts';
import { systemOfKeys } from './geo_keys.ts';
import { affineMap, type ControlPoint, fitMap, isInvertible, type PixelMap, type Point } from './pixel_map.ts';
import { crsProblem, LON_LAT, referenceSystem, transformBetween } from './reference_system.ts';
import { readWorldFile } from './world_file.ts';

/** Georeference of a raster file, as far as it is known. */
export interface Located {
  readonly width: number;
  readonly height: number;
  /** Reference system as a text. */
  readonly crs?: string | undefined;
  readonly transform?: AffineTransform | undefined;
  /** Map of a file that is placed by control points. */
  readonly fitted?: PixelMap | undefined;
}

export const mapOf = ({ fitted, transform }: Located): PixelMap | undefined =>
  fitted ?? (transform && affineMap(transform));

export type PlacedFile = RasterFile & Located;

/** Opens a raster file with its georeference. @throws FormatError also for an unsupported georeference. */
export async function openPlaced(store: Store, path: string, options: RasterOptions = {}): Promise<PlacedFile> {
  const file = await openRaster(store, path, options);
  try {
    const place = await placeOf(store, path, file);
    refuseOffEarth({ ...file, ...place }, path);
    return { ...file, ...place, guesses: [...file.guesses, ...place.guesses] };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** @throws FormatError where no part of a file lies on the Earth: its system or its transform is wrong. */
function refuseOffEarth(file: Located, path: string): void {
  const map = mapOf(file);
  if (!map || file.crs === undefined) return;
  const toLonLat = transformBetween(file.crs, LON_LAT, path);
  const parts = [0, 0.25, 0.5, 0.75, 1];
  const isOn = parts.some((u) =>
    parts.some((v) => isOnEarth(toLonLat(...map.toGround(u * file.width, v * file.height)))),
  );
  if (isOn) return;
  throw new FormatError({
    ...{ action: 'place on the ground', file: path, expected: 'coordinates that its reference system can hold' },
    found: `a corner at ${map.toGround(0, 0).join(', ')} in "${file.crs.slice(0, 80)}", which is no place on the Earth`,
    remedy: `Check its system and transform by \`gdalinfo ${path}\`, or warp it: \`gdalwarp -t_srs EPSG:4326 ${path} OUT.tif\`.`,
  });
}

const isOnEarth = ([longitude, latitude]: Point) => Number.isFinite(longitude) && Math.abs(latitude) < 90.0001;

interface Place extends Omit<Located, 'width' | 'height'> {
  guesses: string[];
}

/** One source of a place: tags, or a companion file. */
interface Said {
  crs?: string | undefined;
  problem?: string | undefined;
  transform?: AffineTransform | undefined;
  points?: readonly ControlPoint[] | undefined;
}

async function placeOf(store: Store, path: string, file: RasterFile): Promise<Place> {
  const beside: Said = file.auxXml === undefined ? {} : placeOfAuxXml(file.auxXml);
  const own = file.georeference ? saidByTags(file.georeference) : {};
  const isPlaced = Boolean(beside.transform ?? beside.points ?? own.transform);
  const world = isPlaced ? undefined : await readWorldFile(store, path);
  const crs = beside.crs ?? own.crs ?? world?.crs;
  const problem = crs === undefined ? own.problem : crsProblem(crs);
  if (problem !== undefined) throw unknownSystem(path, crs, problem);
  const first = [beside, { transform: own.transform }, { transform: world?.transform }, own];
  const placing = first.find(({ transform, points }) => transform || points) ?? {};
  const guesses = world && (own.points || crs === world.crs) ? [`the place is that of ${world.name} beside it`] : [];
  if (placing.transform) return { crs, transform: usable(placing.transform, crs, path), guesses };
  if (placing.points) return fitPlace(placing.points, crs, path, guesses);
  if (file.georeference?.hasRpc) throw onlyRpc(path);
  return { crs, transform: undefined, guesses };
}

/** Drops GDAL's default transform, the identity. @throws FormatError if the transform is not invertible. */
function usable(transform: AffineTransform, crs: string | undefined, path: string): AffineTransform | undefined {
  const [x, dx, rx, y, ry, dy] = transform;
  const isDefault = x === 0 && y === 0 && rx === 0 && ry === 0 && dx === 1 && Math.abs(dy) === 1;
  if (crs === undefined && isDefault) return undefined;
  if (isInvertible(transform)) return transform;
  throw new FormatError({
    ...{ action: 'place on the ground', file: path, expected: 'an invertible transform' },
    found: `[${transform.join(', ')}]`,
    remedy: `Give it another place: \`gdal_edit.py -a_ullr LEFT TOP RIGHT BOTTOM ${path}\`.`,
  });
}

/** Maximum residual in pixels; above it, the terrain is too rough for a smooth map. */
const MAX_RMS = 5;

function fitPlace(points: readonly ControlPoint[], crs: string | undefined, path: string, guesses: string[]): Place {
  const map = fitMap(points, crs === undefined ? undefined : referenceSystem(crs, path).period);
  const command = `gdalwarp -tps${crs === undefined ? ' -s_srs EPSG:NNNN' : ''} -t_srs EPSG:NNNN ${path} OUT.tif`;
  if (!map || map.rms > MAX_RMS || crs === undefined) {
    const found = !map
      ? `${points.length} control point(s) that do not determine a map`
      : crs === undefined
        ? `${points.length} control points without a reference system`
        : `${points.length} control points that a polynomial misses by ${map.rms.toFixed(1)} pixels on average`;
    throw new FormatError({
      ...{ action: 'place on the ground', file: path, found },
      expected: `three control points or more, in a known system, on a smooth map (off by ${MAX_RMS} pixels at most)`,
      remedy: `GDAL can warp it: \`${command}\`.`,
    });
  }
  const [rms, worst] = [map.rms.toFixed(2), map.worst.toFixed(2)];
  const fit = `the place is a map of order ${map.order} fitted to ${points.length} control points: off by ${rms} pixels on average, ${worst} at most`;
  return { crs, transform: undefined, fitted: map, guesses: [...guesses, fit] };
}

function saidByTags(georeference: Georeference): Said {
  const { keys, tiePoints: tie } = georeference;
  const system = systemOfKeys(keys);
  const transform = transformOf(georeference);
  if (transform) return { ...system, transform };
  if (!tie || tie.length < 6) return system;
  const half = isPixelCentre(georeference) ? 0.5 : 0;
  const points = Array.from({ length: Math.floor(tie.length / 6) }, (_, i) => {
    const [column, row, , x, y] = tie.slice(i * 6, i * 6 + 6) as [number, number, number, number, number];
    return { column: column + half, row: row + half, x, y };
  });
  return { ...system, points };
}

function unknownSystem(file: string, crs: string | undefined, problem: string): FormatError {
  const name = crs === undefined ? 'described by its keys' : `"${crs.length > 80 ? `${crs.slice(0, 80)}…` : crs}"`;
  return new FormatError({
    ...{ action: 'place on the ground', file, expected: 'a coordinate reference system that can be computed' },
    found: `one ${name}, of which ${problem}`,
    remedy: `Warp it to another one: \`gdalwarp -t_srs EPSG:4326 ${file} OUT.tif\` (or its UTM zone, EPSG:326NN or EPSG:327NN).`,
  });
}

function onlyRpc(file: string): FormatError {
  return new FormatError({
    ...{ action: 'place on the ground', file, expected: 'a transform or ground control points' },
    found: 'rational polynomial coefficients (RPC), which need the heights of the ground',
    remedy: `Warp it: \`gdalwarp -rpc -to RPC_DEM=DEM.tif -t_srs EPSG:4326 ${file} OUT.tif\`.`,
  });
}
