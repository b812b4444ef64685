/** Choice of the points that are kept out of every fit: they judge the result. */
import { Rng } from '../base/random.ts';
import type { TiePoint } from './registration.ts';

/** Points of which one is held out. */
export const EVERY = 5;

/**
 * Ids of every fifth point along a Hilbert curve over the cells, from a seeded one on: spread over the scene, whatever
 * cells have no point.
 */
export function holdOut(points: readonly TiePoint[], seed: number): Set<number> {
  const side = sideFor(points.map(({ cell }) => cell));
  const along = points
    .map(({ id, cell }) => ({ id, at: hilbert(side, cell.column, cell.row) }))
    .sort((a, b) => a.at - b.at || a.id - b.id);
  const first = Rng.derive(seed, 'hold out').int(EVERY);
  const wanted = Math.round(along.length / EVERY);
  return new Set(Array.from({ length: wanted }, (_, i) => along[(i * EVERY + first) % along.length]!.id));
}

/** Side of the square, a power of two, that holds the cells. */
export const sideFor = (cells: readonly { column: number; row: number }[]): number =>
  2 ** Math.ceil(Math.log2(1 + cells.reduce((most, { column, row }) => Math.max(most, column, row), 1)));

/** Position of a cell along the Hilbert curve that fills a square with a side of a power of two. */
export function hilbert(side: number, column: number, row: number): number {
  let [x, y, position] = [column, row, 0];
  for (let half = side / 2; half >= 1; half /= 2) {
    const [right, lower] = [x & half ? 1 : 0, y & half ? 1 : 0];
    position += half * half * ((3 * right) ^ lower);
    if (lower === 0) {
      if (right === 1) [x, y] = [side - 1 - x, side - 1 - y];
      [x, y] = [y, x];
    }
  }
  return position;
}
