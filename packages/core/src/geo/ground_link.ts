/**
 * Maps pixels of a grid to those of a file and back, across reference systems and round the Earth: a file that covers
 * it from 180° west to 180° east is one strip without end, and 190° east is 170° west.
 */
import type { ToFile } from './control_points.ts';
import type { Grid } from './grid.ts';
import type { PixelMap, Point } from './pixel_map.ts';
import { type Located, mapOf } from './place.ts';
import { referenceSystem, transformBetween } from './reference_system.ts';

/** Pixels of a grid or a file that one turn round the Earth adds to. */
type Turn = readonly [columns: number, rows: number] | undefined;

export interface GroundLink {
  /** @param near see `ToFile`; default: the middle of the file. */
  toFile: ToFile;
  /** Grid pixel of a file pixel; NaN outside the domain of the grid's projection. */
  toGrid(column: number, row: number): Point;
  /** One turn round the Earth in file pixels; undefined if x is not periodic. */
  readonly fileTurn: Turn;
  readonly gridTurn: Turn;
}

/** Maximum round-trip error in pixels; a larger one means that the projection folds the Earth. */
const FOLDED = 0.5;

const NOWHERE: Point = [Number.NaN, Number.NaN];

/** Link of a grid and a file whose pixels correspond one to one. */
export const SAME_PIXELS: GroundLink = {
  toFile: (column, row) => [column, row],
  toGrid: (column, row) => [column, row],
  fileTurn: undefined,
  gridTurn: undefined,
};

/** @throws FormatError where a reference system is not understood. */
export function linkGround(grid: Grid, file: Located, name: string): GroundLink {
  const fileMap = mapOf(file);
  if (grid.crs === undefined || file.crs === undefined || !fileMap) return SAME_PIXELS;
  const [there, back] = [transformBetween(grid.crs, file.crs, name), transformBetween(file.crs, grid.crs, name)];
  const [fileTurn, gridTurn] = [turnOf(file.crs, fileMap, file, name), turnOf(grid.crs, grid.map, grid, name)];
  const middleOf = ({ width, height }: { width: number; height: number }): Point => [width / 2, height / 2];
  const [middleOfFile, middleOfGrid] = [middleOf(file), middleOf(grid)];
  const isSame = grid.crs === file.crs;
  const isBack = (x: number, y: number, column: number, row: number) => {
    const [c, r] = nearest(grid.map.toPixel(...back(x, y)), gridTurn, [column, row]);
    return Math.abs(c - column) < FOLDED && Math.abs(r - row) < FOLDED;
  };
  const toFile: ToFile = (column, row, near = middleOfFile) => {
    const [x, y] = there(...grid.map.toGround(column, row));
    if (!isSame && !isBack(x, y, column, row)) return NOWHERE;
    return nearest(fileMap.toPixel(x, y), fileTurn, near);
  };
  const toGrid = (column: number, row: number): Point => {
    const [x, y] = back(...fileMap.toGround(column, row));
    const found = nearest(grid.map.toPixel(x, y), gridTurn, middleOfGrid);
    const [c, r] = toFile(...found, [column, row]);
    return Math.abs(c - column) < FOLDED && Math.abs(r - row) < FOLDED ? found : NOWHERE;
  };
  return { toFile, toGrid, fileTurn, gridTurn };
}

function turnOf(crs: string, map: PixelMap, { width, height }: { width: number; height: number }, name: string): Turn {
  const { period } = referenceSystem(crs, name);
  if (period === undefined) return undefined;
  const [x, y] = map.toGround(width / 2, height / 2);
  const [column, row] = map.toPixel(x + period, y);
  const turn = [column - width / 2, row - height / 2] as const;
  return turn.every(Number.isFinite) ? turn : undefined;
}

function nearest([x, y]: Point, turn: Turn, [nearX, nearY]: Point): Point {
  if (!turn) return [x, y];
  const [dx, dy] = turn;
  const turns = Math.round(((nearX - x) * dx + (nearY - y) * dy) / (dx * dx + dy * dy));
  return turns === 0 ? [x, y] : [x + turns * dx, y + turns * dy];
}
