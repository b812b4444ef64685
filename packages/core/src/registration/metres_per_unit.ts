/** Scale of the working grid: metres on the ground of a unit of its reference system, as 0.87 at 30° in EPSG:3395. */
import type { Registration } from './registration.ts';

/** Metres of a unit along x and y, at the middle of the grid. */
export function metresPerUnit({ metres, transform }: Registration['grid']): readonly [x: number, y: number] {
  return [metres / Math.abs(transform[1]!), metres / Math.abs(transform[5]!)];
}
