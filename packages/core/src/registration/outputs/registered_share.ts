/** Share of a file that lies on the ground of which a registration speaks: beyond it, nothing was measured. */
import type { Grid } from '../../geo/grid.ts';
import { linkGround } from '../../geo/ground_link.ts';
import type { Located } from '../../geo/place.ts';

/** Points along each side of the lattices that are looked at. */
const STEPS = 48;

/**
 * @param grid working grid of the registration. @param place of the file by the ground of the SAR scene.
 * @returns 0 where the two have no ground in common, else the share of the file's area that lies on the grid.
 */
export function registeredShare(grid: Grid, place: Located, name: string): number {
  const { toGrid, toFile } = linkGround(grid, place, name);
  const points = centresOf(place);
  const inside = points.filter((point) => isOn(grid, toGrid(...point))).length;
  if (inside > 0) return inside / points.length;
  const met = centresOf(grid).some((point) => isOn(place, toFile(...point)));
  return met ? 1 / points.length : 0; // the grid lies between points of the file
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

const isOn = ({ width, height }: Sides, [column, row]: readonly [number, number]) =>
  column >= 0 && row >= 0 && column <= width && row <= height;

/** Centres of equal parts of a file or a grid. */
function centresOf({ width, height }: Sides): [column: number, row: number][] {
  const along = Array.from({ length: STEPS }, (_, i) => (i + 0.5) / STEPS);
  return along.flatMap((v) => along.map((u): [number, number] => [u * width, v * height]));
}
