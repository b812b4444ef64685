/**
 * Grid of an aligned scene. By default it is a whole division or multiple of the pixels of the scene that stays, as coarse as
 * the moved scene's own pixels allow, over all that the moved scene shows: it loses no resolution, and the two stack by whole
 * pixels.
 */
import type { Grid } from '../../geo/grid.ts';
import { affineMap, type PixelMap, type Point } from '../../geo/pixel_map.ts';
import { transformBetween } from '../../geo/reference_system.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import { latticeOf } from '../plane_map.ts';
import type { CorrectedPlace } from './corrected_place.ts';

/**
 * - `snapped`: on the lattice of the scene that stays; - `fixed`: exactly its pixels; - `own`: the moved file's own lattice.
 */
export const LATTICES = ['snapped', 'fixed', 'own'] as const;
export type Lattice = (typeof LATTICES)[number];

/** Pixels of a scene that lie on an affine lattice. */
export interface LatticeScene {
  readonly crs: string;
  readonly transform: AffineTransform;
  readonly width: number;
  readonly height: number;
}

/** @param own transform of the moved file; absent where it is placed by control points: then `snapped` is meant. */
export function alignedGrid(
  moved: CorrectedPlace,
  fixed: LatticeScene,
  lattice: Lattice,
  own: AffineTransform | undefined,
): Grid & { crs: string; transform: AffineTransform } {
  if (lattice === 'fixed') return { ...fixed, map: affineMap(fixed.transform) };
  const base = lattice === 'own' && own ? { crs: moved.crs, transform: own } : divided(moved, fixed);
  return covering(moved, base.crs, base.transform);
}

/** Share of a pixel by which sizes may differ and yet count as whole multiples. */
const NEAR = 0.02;

/** Lattice of the fixed scene in pixels no coarser than the moved scene's. */
function divided(moved: CorrectedPlace, { crs, transform }: LatticeScene): { crs: string; transform: AffineTransform } {
  const side = pixelSide(moved, crs, affineMap(transform));
  const factor = side >= 1 ? Math.floor(side + NEAR) : 1 / Math.ceil(1 / side - NEAR);
  const [x, a, b, y, c, d] = transform;
  return { crs, transform: [x, a * factor, b * factor, y, c * factor, d * factor] };
}

/** Side of a moved pixel in pixels of a lattice, in the middle of the scene. */
function pixelSide(moved: CorrectedPlace, crs: string, lattice: PixelMap): number {
  const toLattice = latticePixel(moved, crs, lattice);
  const [column, row] = [moved.width / 2, moved.height / 2];
  const [from, right, down] = [toLattice(column, row), toLattice(column + 1, row), toLattice(column, row + 1)];
  const [ax, ay] = [right[0] - from[0], right[1] - from[1]];
  const [bx, by] = [down[0] - from[0], down[1] - from[1]];
  const side = Math.sqrt(Math.abs(ax * by - ay * bx));
  return Number.isFinite(side) && side > 0 ? side : 1;
}

function latticePixel(moved: CorrectedPlace, crs: string, lattice: PixelMap): (column: number, row: number) => Point {
  const there = transformBetween(moved.crs, crs, 'the aligned scene');
  return (column, row) => lattice.toPixel(...there(...moved.fitted.toGround(column, row)));
}

/** Rounding of positions, so that a scene that fits its lattice gets no further row of pixels. */
const SLACK = 0.01;

function covering(moved: CorrectedPlace, crs: string, transform: AffineTransform) {
  const toLattice = latticePixel(moved, crs, affineMap(transform));
  const seen = latticeOf([0, 0, moved.width, moved.height])
    .map(([column, row]) => toLattice(column, row))
    .filter(([column, row]) => Number.isFinite(column) && Number.isFinite(row));
  const [columns, rows] = [seen.map(([column]) => column), seen.map(([, row]) => row)];
  const [left, top] = [Math.floor(Math.min(...columns) + SLACK), Math.floor(Math.min(...rows) + SLACK)];
  const [right, bottom] = [Math.ceil(Math.max(...columns) - SLACK), Math.ceil(Math.max(...rows) - SLACK)];
  const [x, a, b, y, c, d] = transform;
  const moved0: AffineTransform = [x + left * a + top * b, a, b, y + left * c + top * d, c, d];
  return { crs, transform: moved0, map: affineMap(moved0), width: right - left, height: bottom - top };
}
