/** Maps of pixels to coordinates and back: affine transforms, and polynomials fitted to ground control points. */
import { leastSquares } from '../base/least_squares.ts';
import type { AffineTransform } from '../raster/raster.ts';

export type Point = [x: number, y: number];

/** Pixels count from the outer corner of the upper left one: its centre is 0.5, 0.5. */
export interface PixelMap {
  toGround(column: number, row: number): Point;
  /** NaN where there is no such pixel. */
  toPixel(x: number, y: number): Point;
}

export const PIXELS: PixelMap = { toGround: (column, row) => [column, row], toPixel: (x, y) => [x, y] };

export function affineMap([a0, a1, a2, a3, a4, a5]: AffineTransform): PixelMap {
  const determinant = a1 * a5 - a2 * a4;
  return {
    toGround: (column, row) => [a0 + column * a1 + row * a2, a3 + column * a4 + row * a5],
    toPixel(x, y) {
      const [dx, dy] = [x - a0, y - a3];
      return [(a5 * dx - a2 * dy) / determinant, (a1 * dy - a4 * dx) / determinant];
    },
  };
}

/** True if the transform is invertible. */
export const isInvertible = ([, a1, a2, , a4, a5]: AffineTransform) =>
  Math.abs(a1 * a5 - a2 * a4) > 1e-12 * Math.hypot(a1, a4) * Math.hypot(a2, a5);

export interface ControlPoint {
  column: number;
  row: number;
  x: number;
  y: number;
}

export interface FittedMap extends PixelMap {
  /** Order of the polynomial. */
  readonly order: 1 | 2;
  /** Root mean square of the distances between points and their fit, in pixels. */
  readonly rms: number;
  /** Largest of these distances, in pixels. */
  readonly worst: number;
}

/**
 * Fits a map to control points by least squares: a plane for 3 to 5 of them, of second order from 6 on, as gdalwarp
 * chooses.
 *
 * @param period of x, by which points across the antimeridian are brought side by side.
 * @returns undefined where they do not determine a map: fewer than three, or all on a line.
 */
export function fitMap(points: readonly ControlPoint[], period?: number): FittedMap | undefined {
  const placed = sideBySide(points, period);
  for (const order of placed.length >= 6 ? ([2, 1] as const) : ([1] as const)) {
    const map = fitOrder(placed, order);
    if (map) return map;
  }
  return undefined;
}

function sideBySide(points: readonly ControlPoint[], period: number | undefined): readonly ControlPoint[] {
  if (period === undefined || points.length === 0) return points;
  const { x: first } = points[0]!;
  return points.map((point) => ({ ...point, x: point.x - Math.round((point.x - first) / period) * period }));
}

/** Least spread by order: 1 % of the extent off a line, 0.3 % off a curve of second order. */
const SPREAD = { 1: 1e-4, 2: 1e-5 } as const;

function fitOrder(points: readonly ControlPoint[], order: 1 | 2): FittedMap | undefined {
  const count = order === 1 ? 3 : 6;
  if (points.length < count) return undefined;
  const [u, v] = [normaliser(points.map(({ column }) => column)), normaliser(points.map(({ row }) => row))];
  const terms = (column: number, row: number) => termsOf(order, u.to(column), v.to(row));
  const rows = points.map(({ column, row }) => terms(column, row));
  const [middleX, middleY] = [points[0]!.x, points[0]!.y];
  const values = points.map(({ x, y }) => [x - middleX, y - middleY]);
  const solved = leastSquares(rows, values, SPREAD[order]);
  if (!solved) return undefined;
  const [forX, forY] = [solved.map(([x]) => x!), solved.map(([, y]) => y!)];
  const toGround = (column: number, row: number): Point => {
    const values = terms(column, row);
    return [middleX + dot(forX, values), middleY + dot(forY, values)];
  };
  const jacobian = (column: number, row: number): [Point, Point] => {
    const [du, dv] = slopesOf(order, u.to(column), v.to(row));
    return [
      [dot(forX, du) * u.scale, dot(forX, dv) * v.scale],
      [dot(forY, du) * u.scale, dot(forY, dv) * v.scale],
    ];
  };
  const middle: Point = [u.middle, v.middle];
  const toPixel = (x: number, y: number) => newton([x, y], middle, toGround, jacobian);
  const errors = points.map(({ column, row, x, y }) => {
    const [foundColumn, foundRow] = toPixel(x, y);
    return Math.hypot(foundColumn - column, foundRow - row);
  });
  if (!errors.every(Number.isFinite)) return undefined;
  const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
  return { toGround, toPixel, order, rms, worst: Math.max(...errors) };
}

/** Scales values to about -1 … 1, for numerical stability. */
function normaliser(values: readonly number[]) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [middle, scale] = [(low + high) / 2, 2 / (high - low || 1)];
  return { middle, scale, to: (value: number) => (value - middle) * scale };
}

const termsOf = (order: 1 | 2, u: number, v: number) => (order === 1 ? [1, u, v] : [1, u, v, u * u, u * v, v * v]);

const slopesOf = (order: 1 | 2, u: number, v: number): [number[], number[]] =>
  order === 1
    ? [
        [0, 1, 0],
        [0, 0, 1],
      ]
    : [
        [0, 1, 0, 2 * u, v, 0],
        [0, 0, 1, 0, u, 2 * v],
      ];

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, each, i) => sum + each * b[i]!, 0);

const NEWTON_STEPS = 20;

/** The pixel that shows a point; NaN if there is none nearby: far from its points the polynomial folds. */
function newton(
  [x, y]: Point,
  start: Point,
  toGround: (column: number, row: number) => Point,
  jacobian: (column: number, row: number) => [Point, Point],
): Point {
  let [column, row] = start;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const [gx, gy] = toGround(column, row);
    const [[xu, xv], [yu, yv]] = jacobian(column, row);
    const determinant = xu * yv - xv * yu;
    const [dx, dy] = [x - gx, y - gy];
    const [du, dv] = [(yv * dx - xv * dy) / determinant, (xu * dy - yu * dx) / determinant];
    column += du;
    row += dv;
    if (!Number.isFinite(column) || !Number.isFinite(row)) break;
    if (Math.abs(du) < 1e-7 && Math.abs(dv) < 1e-7) return [column, row];
  }
  return [Number.NaN, Number.NaN];
}
