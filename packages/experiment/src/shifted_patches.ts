/**
 * The true SAR patch, shifted by some pixels: the hardest negative there is for a matcher that is to align images.
 * Where the data set is a grid of neighbouring patches, what comes in at the edge is taken from the neighbour, so that
 * the shifted patch is as real as any; elsewhere it is mirrored.
 */

import type { Rng } from '@doppel/core/base';
import type { PairRecord } from '@doppel/core/dataset';
import type { Raster } from '@doppel/core/raster';

/** Columns and rows that the window moves. */
export type Direction = readonly [columns: -1 | 0 | 1, rows: -1 | 0 | 1];

const DIRECTIONS: readonly Direction[] = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
];

export interface Shift {
  direction: Direction;
  /** Record that the missing pixels come from; undefined: they are mirrored. */
  neighbour: number | undefined;
}

/** Finds the record one patch further on the grid in a direction; undefined if there is none. */
export function neighbourFinder(
  records: readonly Pick<PairRecord, 'group' | 'source' | 'window'>[],
  side: number,
): (index: number, direction: Direction) => number | undefined {
  const at = new Map<string, number>();
  const key = ({ group, scene, column, row }: Position) => JSON.stringify([group, scene, column, row]);
  records.forEach((record, i) => {
    const position = positionOf(record);
    if (position) at.set(key(position), i);
  });
  return (index, [columns, rows]) => {
    const position = positionOf(records[index]!);
    if (!position) return undefined;
    return at.get(key({ ...position, column: position.column + columns * side, row: position.row + rows * side }));
  };
}

interface Position {
  group: string;
  /** Scene, or SAR file that the patch was cut from. */
  scene: string;
  column: number;
  row: number;
}

function positionOf({ group, source, window }: Pick<PairRecord, 'group' | 'source' | 'window'>): Position | undefined {
  if (window) return { group, scene: window.scene, column: window.column, row: window.row };
  if (source?.column === undefined || source.row === undefined) return undefined;
  return { group, scene: source.sar, column: source.column, row: source.row };
}

/** A direction with a neighbour where there is one. */
export function drawShift(index: number, find: ReturnType<typeof neighbourFinder>, rng: Rng): Shift {
  const order = rng.shuffle([...DIRECTIONS]);
  for (const direction of order) {
    const neighbour = find(index, direction);
    if (neighbour !== undefined) return { direction, neighbour };
  }
  return { direction: order[0]!, neighbour: undefined };
}

/**
 * The window moved by `pixels` (at most the side) in a direction. @param neighbour of the same size, bands and unit.
 */
export function shiftPatch(
  patch: Raster,
  neighbour: Raster | undefined,
  [columns, rows]: Direction,
  pixels: number,
): Raster {
  const { width: side, bands, unit } = patch;
  const data = new Float32Array(patch.data.length);
  const noData = new Uint8Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [y, x] = [row + rows * pixels, column + columns * pixels];
      const isInside = y >= 0 && y < side && x >= 0 && x < side;
      const source = isInside || !neighbour ? patch : neighbour;
      const wrap = (value: number) => (neighbour ? (value + side) % side : mirrored(value, side));
      const from = (isInside ? y : wrap(y)) * side + (isInside ? x : wrap(x));
      const to = row * side + column;
      for (let band = 0; band < bands; band++) data[to * bands + band] = source.data[from * bands + band]!;
      noData[to] = source.noData?.[from] ?? 0;
    }
  }
  const hasGaps = noData.some((value) => value > 0);
  return { data, width: side, height: side, bands, unit, ...(hasGaps && { noData }) };
}

const mirrored = (position: number, side: number) =>
  position < 0 ? -1 - position : position >= side ? 2 * side - 1 - position : position;
