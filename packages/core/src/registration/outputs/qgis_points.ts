/**
 * Tie points for QGIS's georeferencer (`.points`): its header line, then a row a point, rejected ones disabled. The map is
 * the ground by the file that stays; the source is the file that moves.
 *
 * QGIS takes sources of a file that it opens with a georeference in that file's own coordinates, of any other in pixels with
 * rows counted downwards from 0 to negative values (src/app/georeferencer/qgsrasterchangecoords.cpp).
 */
import { wktOf } from '../../geo/write_wkt.ts';
import type { GroundPosition, Registration, TiePoint } from '../registration.ts';
import type { Moved } from './moved.ts';

/** @param toLayer ground of a pixel in the moved file's own system; default: pixels. */
export function qgisPoints(
  { points, grid }: Pick<Registration, 'points' | 'grid'>,
  moved: Moved,
  toLayer?: (column: number, row: number) => GroundPosition,
): string {
  const rows = points.flatMap((point) => {
    const [from, to] = [moved.pixel(point), moved.fixedGround(point)];
    if (!from || !to) return [];
    const source = toLayer ? toLayer(...from) : [from[0], -from[1]];
    return [[...to, ...source, point.reason === 'used' ? 1 : 0, ...residualOf(point)].join(',')];
  });
  return [`#CRS: ${wktOf(grid.crs)}`, 'mapX,mapY,sourceX,sourceY,enable,dX,dY,residual', ...rows, ''].join('\n');
}

function residualOf({ residual }: TiePoint): number[] {
  if (!residual) return [0, 0, 0];
  return [residual.column, residual.row, Math.hypot(residual.column, residual.row)];
}
