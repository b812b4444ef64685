/** Maps of the plane: evaluates and inverts them, and finds the affine map that is nearest to one. */

import { leastSquares } from '../base/least_squares.ts';
import type { AffineTransform } from '../raster/raster.ts';
import type { GroundPosition, ModelKind, PlaneMap } from './registration.ts';

/** A rectangle: [left, bottom, right, top] or any other order of two opposite corners. */
export type Bounds = readonly [x0: number, y0: number, x1: number, y1: number];

/** Polynomial terms 1, u, v and for a quadratic u², uv, v². */
export const termsOf = (kind: ModelKind, u: number, v: number): number[] =>
  kind === 'quadratic' ? [1, u, v, u * u, u * v, v * v] : [1, u, v];

/** Radial function of a thin plate, r² log r², of the squared distance. */
export const thinPlate = (squared: number): number => (squared > 0 ? squared * Math.log(squared) : 0);

export function mapPoint(map: PlaneMap, [x, y]: GroundPosition): GroundPosition {
  const u = (x - map.origin[0]) / map.scale;
  const v = (y - map.origin[1]) / map.scale;
  const terms = termsOf(map.kind, u, v);
  let toX = dot(map.x, terms);
  let toY = dot(map.y, terms);
  map.knots?.at.forEach(([ku, kv], i) => {
    const bend = thinPlate((u - ku) ** 2 + (v - kv) ** 2);
    toX += map.knots!.x[i]! * bend;
    toY += map.knots!.y[i]! * bend;
  });
  return [toX, toY];
}

const NEWTON_STEPS = 30;

/** Position that the map takes to `to`, by Newton's method from `to` itself; NaN where the map folds and has none nearby. */
export function invertPoint(map: PlaneMap, to: GroundPosition): GroundPosition {
  const near = 1e-9 * map.scale;
  let [x, y] = to;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const [foundX, foundY] = mapPoint(map, [x, y]);
    const [dx, dy] = [to[0] - foundX, to[1] - foundY];
    const [xx, xy, yx, yy] = slopesOf(map, [x, y]);
    const determinant = xx * yy - xy * yx;
    const [moveX, moveY] = [(yy * dx - xy * dy) / determinant, (xx * dy - yx * dx) / determinant];
    x += moveX;
    y += moveY;
    if (!Number.isFinite(x) || !Number.isFinite(y)) break;
    if (Math.abs(moveX) < near && Math.abs(moveY) < near) return [x, y];
  }
  return [Number.NaN, Number.NaN];
}

/** Derivatives dx′/dx, dx′/dy, dy′/dx, dy′/dy. */
export function slopesOf(map: PlaneMap, [x, y]: GroundPosition): [number, number, number, number] {
  const { kind, scale, knots } = map;
  const [u, v] = [(x - map.origin[0]) / scale, (y - map.origin[1]) / scale];
  const alongU = kind === 'quadratic' ? [0, 1, 0, 2 * u, v, 0] : [0, 1, 0];
  const alongV = kind === 'quadratic' ? [0, 0, 1, 0, u, 2 * v] : [0, 0, 1];
  const slopes: [number, number, number, number] = [
    dot(map.x, alongU),
    dot(map.x, alongV),
    dot(map.y, alongU),
    dot(map.y, alongV),
  ];
  knots?.at.forEach(([ku, kv], i) => {
    const [du, dv] = [u - ku, v - kv];
    const squared = du * du + dv * dv;
    const slope = squared > 0 ? 2 * (Math.log(squared) + 1) : 0; // d(s log s)/du = 2 du (log s + 1)
    slopes[0] += knots.x[i]! * du * slope;
    slopes[1] += knots.x[i]! * dv * slope;
    slopes[2] += knots.y[i]! * du * slope;
    slopes[3] += knots.y[i]! * dv * slope;
  });
  return slopes.map((slope) => slope / scale) as [number, number, number, number];
}

/** Positions along each side of the lattice that `affineOf` samples. */
const LATTICE = 9;

/** Affine map that is nearest to a map over a rectangle, by least squares: x′ = a0 + a1·x + a2·y, y′ = a3 + a4·x + a5·y. */
export function affineOf(map: PlaneMap, bounds: Bounds): AffineTransform {
  const from = latticeOf(bounds);
  return nearestAffine(
    from,
    from.map((position) => mapPoint(map, position)),
  )!;
}

/** Positions on a regular lattice over a rectangle, its corners included. */
export function latticeOf([x0, y0, x1, y1]: Bounds): GroundPosition[] {
  const steps = Array.from({ length: LATTICE }, (_, i) => i / (LATTICE - 1));
  return steps.flatMap((t) => steps.map((s): GroundPosition => [x0 + s * (x1 - x0), y0 + t * (y1 - y0)]));
}

/** Affine map that takes positions to others with the least sum of squares; undefined where they do not determine one. */
export function nearestAffine(
  from: readonly GroundPosition[],
  to: readonly GroundPosition[],
): AffineTransform | undefined {
  const [mx, my] = [meanOf(from.map(([x]) => x)), meanOf(from.map(([, y]) => y))];
  const scale = Math.max(...from.map(([x, y]) => Math.hypot(x - mx, y - my)));
  const rows = from.map(([x, y]) => [1, (x - mx) / scale, (y - my) / scale]);
  const solved = leastSquares(
    rows,
    to.map(([x, y]) => [x, y]),
  );
  if (!solved) return undefined;
  const coefficients = (axis: number) => {
    const [c, u, v] = solved.map((row) => row[axis]!) as [number, number, number];
    return [c - (u * mx + v * my) / scale, u / scale, v / scale] as const;
  };
  return [...coefficients(0), ...coefficients(1)];
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += b[i]! * (a[i] ?? 0);
  return sum;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
