/**
 * Grid of pixels on the ground on which patches are cut, independent of the grids of the files.
 */

import { FormatError } from '../errors.ts';
import type { AffineTransform } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Footprint } from './footprint.ts';
import { affineMap, PIXELS, type PixelMap } from './pixel_map.ts';
import { type Located, mapOf } from './place.ts';
import { referenceSystem, shiftDoubts } from './reference_system.ts';

export interface Grid {
  /** Reference system; absent if the scenes are not georeferenced: then their pixels correspond one to one. */
  readonly crs?: string;
  readonly map: PixelMap;
  /** Transform of the map, where it is affine and placed in `crs`. */
  readonly transform?: AffineTransform;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** A rectangle of pixels of a grid. */
export type PixelWindow = RasterWindow;

export interface CommonGrid {
  grid: Grid;
  /** Assumptions made, as sentences without full stop. */
  guesses: string[];
}

/**
 * The grid of one of two files, at its own resolution or another.
 *
 * @param resolution side of a pixel in units of the CRS. @param files names of base and other, for messages.
 * @throws FormatError where one is placed on the ground and the other is not, where a georeference is incomplete, or
 * where neither is placed and their sizes differ.
 */
export function commonGrid(
  base: Located,
  other: Located,
  files: readonly [base: string, other: string],
  resolution?: number,
): CommonGrid {
  if (isPlaced(base) && isPlaced(other)) {
    return { grid: placedGrid(base, resolution, files[0]), guesses: shiftDoubts(base.crs!, other.crs!, files) };
  }
  const halves = [base, other].map((file) => file.crs !== undefined || mapOf(file) !== undefined);
  if (!halves[0] && !halves[1]) return pixelGrid(base, other, files, resolution, NEITHER);
  const both = base.crs === undefined && other.crs === undefined && sameTransform(base, other);
  if (both) return pixelGrid(base, other, files, resolution, SAME_UNNAMED);
  const [unplaced, its] = isPlaced(base) ? [other, files[1]] : [base, files[0]];
  throw halfPlaced(unplaced, its);
}

const NEITHER = 'neither file says where it lies: pixels of one are taken to be pixels of the other';
const SAME_UNNAMED =
  'neither file names its reference system; their coordinates agree, and are taken to be of one system';

const isPlaced = (file: Located) => file.crs !== undefined && mapOf(file) !== undefined;

function sameTransform(a: Located, b: Located): boolean {
  const [from, to] = [mapOf(a), mapOf(b)];
  if (!from || !to || a.width !== b.width || a.height !== b.height) return false;
  return [
    [0, 0],
    [a.width, 0],
    [0, a.height],
    [a.width, a.height],
  ].every(([column, row]) => {
    const [c, r] = to.toPixel(...from.toGround(column!, row!));
    return Math.abs(c - column!) < 0.01 && Math.abs(r - row!) < 0.01;
  });
}

/** Grid without georeference: pixels correspond one to one. */
function pixelGrid(
  { width, height }: Located,
  other: Located,
  files: readonly string[],
  resolution: number | undefined,
  guess: string,
): CommonGrid {
  if (other.width !== width || other.height !== height) {
    throw new FormatError({
      action: 'lay a common grid over',
      file: files.join(' and '),
      expected: 'a CRS and a transform in both, or images of the same size',
      found: `no place on the ground, and ${width} × ${height} against ${other.width} × ${other.height} pixels`,
      remedy: 'Give files that are georeferenced, or co-registered pixel by pixel.',
    });
  }
  if (resolution !== undefined) {
    throw new FormatError({
      ...{ action: 'lay a grid of another resolution over', file: files.join(' and ') },
      ...{ expected: 'a CRS and a transform in both', found: 'neither' },
      remedy: 'Leave --resolution out.',
    });
  }
  return { grid: { map: PIXELS, width, height }, guesses: [guess] };
}

function halfPlaced(place: Located, file: string): FormatError {
  const hasMap = mapOf(place) !== undefined;
  const edit = hasMap
    ? `gdal_edit.py -a_srs EPSG:NNNN ${file}`
    : `gdal_edit.py -a_srs EPSG:NNNN -a_ullr LEFT TOP RIGHT BOTTOM ${file}`;
  const found = hasMap ? 'a transform only' : place.crs === undefined ? 'neither' : 'a reference system only';
  return new FormatError({
    ...{ action: 'place on the ground', file, found },
    expected: 'a coordinate reference system and a transform (or control points), for without both it may lie anywhere',
    remedy: `Say where it lies, by \`${edit}\`; if the two scenes match pixel by pixel, strip the place of both by \`gdal_translate -co PROFILE=BASELINE IN.tif OUT.tif\`.`,
  });
}

function placedGrid(file: Located, resolution: number | undefined, name: string): Grid {
  const { width, height, transform } = file;
  const crs = file.crs!;
  referenceSystem(crs, name); // the data set could not be opened otherwise
  if (resolution === undefined)
    return { crs, map: mapOf(file)!, width, height, ...(!file.fitted && transform && { transform }) };
  const [x, dx, rx, y, ry, dy] = transform ?? [0, 0, 1, 0, 1, 0];
  if (rx !== 0 || ry !== 0) {
    throw new FormatError({
      ...{ action: 'change the resolution of', file: name, expected: 'a grid along the axes', found: 'a turned one' },
      remedy: 'Leave --resolution out, or take the grid of the other scene.',
    });
  }
  const finer: AffineTransform = [x, Math.sign(dx) * resolution, 0, y, 0, Math.sign(dy) * resolution];
  return {
    ...{ crs, map: affineMap(finer), transform: finer },
    width: Math.floor((width * Math.abs(dx)) / resolution + 1e-9),
    height: Math.floor((height * Math.abs(dy)) / resolution + 1e-9),
  };
}

/** Points along an edge, since edges of a fitted map are curves. */
const EDGE_STEPS = 4;

/** Footprint of a window; undefined if the grid is not georeferenced. */
export function footprintOf(
  { crs, map }: Pick<Grid, 'crs' | 'map'>,
  { column, row, width, height }: PixelWindow,
): Footprint | undefined {
  if (crs === undefined) return undefined;
  const steps = Array.from({ length: EDGE_STEPS + 1 }, (_, i) => i / EDGE_STEPS);
  const outline = steps.flatMap((t) => [
    map.toGround(column + t * width, row),
    map.toGround(column + t * width, row + height),
    map.toGround(column, row + t * height),
    map.toGround(column + width, row + t * height),
  ]);
  const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
  return { crs, bounds: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] };
}
