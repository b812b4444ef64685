/**
 * A grid of pixels on the ground: what patches are cut on, whatever the grids of the files are.
 */

import { FormatError } from '../errors.ts';
import type { AffineTransform } from '../raster/raster.ts';
import type { Footprint } from './footprint.ts';

export interface Grid {
  /** Absent where the scenes are not placed on the ground: then pixels of one are pixels of the other. */
  readonly crs?: string;
  readonly transform: AffineTransform;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** A rectangle of pixels of a grid. */
export interface PixelWindow {
  column: number;
  row: number;
  width: number;
  height: number;
}

/** What a raster file says of where it lies. */
export interface Located {
  readonly width: number;
  readonly height: number;
  readonly crs?: string | undefined;
  readonly transform?: AffineTransform | undefined;
}

const PIXELS: AffineTransform = [0, 1, 0, 0, 0, 1];

/**
 * The grid of one of two files, at its own resolution or another.
 *
 * @param resolution side of a pixel in units of the CRS. @param files names of base and other, for messages.
 * @throws FormatError where one is placed on the ground and the other is not, or neither and their sizes differ.
 */
export function commonGrid(
  base: Located,
  other: Located,
  files: readonly [base: string, other: string],
  resolution?: number,
): Grid {
  const isPlaced = (file: Located) => file.crs !== undefined && file.transform !== undefined;
  if (isPlaced(base) && isPlaced(other)) return placedGrid(base, resolution, files[0]);
  if (isPlaced(base) !== isPlaced(other)) throw halfPlaced(isPlaced(base) ? files : [files[1], files[0]]);
  const { width, height } = base;
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
  return { transform: PIXELS, width, height };
}

function halfPlaced([placed, unplaced]: readonly [string, string]): FormatError {
  return new FormatError({
    action: 'place on the ground',
    file: unplaced,
    expected: `a CRS and a transform, as ${placed} has them`,
    found: 'none, or one of them only',
    remedy: 'Georeference it, or strip the place from both if they match pixel by pixel.',
  });
}

function placedGrid({ crs, transform, width, height }: Located, resolution: number | undefined, file: string): Grid {
  const [x, dx, rx, y, ry, dy] = transform!;
  if (resolution === undefined) return { crs: crs!, transform: transform!, width, height };
  if (rx !== 0 || ry !== 0) {
    throw new FormatError({
      ...{ action: 'change the resolution of', file, expected: 'a grid along the axes', found: 'a turned one' },
      remedy: 'Leave --resolution out, or take the grid of the other scene.',
    });
  }
  return {
    crs: crs!,
    transform: [x, Math.sign(dx) * resolution, 0, y, 0, Math.sign(dy) * resolution],
    width: Math.floor((width * Math.abs(dx)) / resolution + 1e-9),
    height: Math.floor((height * Math.abs(dy)) / resolution + 1e-9),
  };
}

/** From pixels (the upper left corner of the first is 0, 0) to coordinates. */
export function toGround([a0, a1, a2, a3, a4, a5]: AffineTransform, column: number, row: number): [number, number] {
  return [a0 + column * a1 + row * a2, a3 + column * a4 + row * a5];
}

/** From coordinates to pixels. */
export function toPixel([a0, a1, a2, a3, a4, a5]: AffineTransform, x: number, y: number): [number, number] {
  const determinant = a1 * a5 - a2 * a4;
  const [dx, dy] = [x - a0, y - a3];
  return [(a5 * dx - a2 * dy) / determinant, (a1 * dy - a4 * dx) / determinant];
}

/** The ground that a window covers; undefined where the grid is not placed. */
export function footprintOf(
  { crs, transform }: Grid,
  { column, row, width, height }: PixelWindow,
): Footprint | undefined {
  if (crs === undefined) return undefined;
  const corners = [
    toGround(transform, column, row),
    toGround(transform, column + width, row),
    toGround(transform, column, row + height),
    toGround(transform, column + width, row + height),
  ];
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return { crs, bounds: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] };
}
