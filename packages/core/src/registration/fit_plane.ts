/**
 * Fits a map of each kind to pairs of positions, by least squares weighted with their covariances. What is fitted is the
 * displacement, so that numbers stay small beside coordinates of millions of metres.
 */
import { Matrix } from 'ml-matrix';
import { leastSquares, solveSystem } from '../base/least_squares.ts';
import { termsOf, thinPlate } from './plane_map.ts';
import type { GroundPosition, ModelKind, PlaneMap } from './registration.ts';

/** Symmetric 2 × 2 matrix: xx, xy, yy. */
export type Symmetric = readonly [xx: number, xy: number, yy: number];

/** A pair of positions of one place. */
export interface Match {
  readonly from: GroundPosition;
  readonly to: GroundPosition;
  /** Covariance of `to − map(from)`, in squared units of the ground. */
  readonly covariance: Symmetric;
}

/** Normalisation of positions: all fits of one registration share it. */
export interface Normalisation {
  readonly origin: GroundPosition;
  readonly scale: number;
}

export interface FitOptions extends Normalisation {
  /** Smoothing of a spline: the weight of its bending energy against the mean squared residual in standard deviations. */
  readonly smoothing?: number;
}

/** Positions that determine a map of a kind. */
export const MINIMAL: Record<ModelKind, number> = { shift: 1, similarity: 2, affine: 3, quadratic: 6, spline: 6 };

/** Knots of a spline, at most. */
const MAX_KNOTS = 32;
export const SMOOTHING = 0.01;

export function normalisationOf(positions: readonly GroundPosition[]): Normalisation {
  const [xs, ys] = [positions.map(([x]) => x), positions.map(([, y]) => y)];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { origin: [(x0 + x1) / 2, (y0 + y1) / 2], scale: Math.max(1e-9, Math.hypot(x1 - x0, y1 - y0) / 2) };
}

/** Map of a kind; undefined where the matches do not determine it. */
export function fitPlane(kind: ModelKind, matches: readonly Match[], options: FitOptions): PlaneMap | undefined {
  if (matches.length < MINIMAL[kind]) return undefined;
  return kind === 'spline' ? fitSpline(matches, options) : fitPolynomial(kind, matches, options);
}

/** Moves a map of displacements onto positions: x′ = x + dx(u, v). */
function mapOf(kind: ModelKind, { origin, scale }: Normalisation, x: number[], y: number[], knots?: PlaneMap['knots']) {
  const toX = x.map((value, i) => value + (i === 0 ? origin[0] : i === 1 ? scale : 0));
  const toY = y.map((value, i) => value + (i === 0 ? origin[1] : i === 2 ? scale : 0));
  return { kind, origin, scale, x: toX, y: toY, ...(knots && { knots }) } satisfies PlaneMap;
}

/** Displacement in x and in y by unknown: each kind's two rows of the design. */
function designOf(kind: ModelKind, u: number, v: number): [x: number[], y: number[]] {
  if (kind === 'shift') {
    return [
      [1, 0],
      [0, 1],
    ];
  }
  if (kind === 'similarity') {
    return [
      [1, 0, u, -v],
      [0, 1, v, u],
    ];
  }
  const terms = termsOf(kind, u, v);
  const none = terms.map(() => 0);
  return [
    [...terms, ...none],
    [...none, ...terms],
  ];
}

function coefficientsOf(kind: ModelKind, found: readonly number[]): [x: number[], y: number[]] {
  if (kind === 'shift')
    return [
      [found[0]!, 0, 0],
      [found[1]!, 0, 0],
    ];
  if (kind === 'similarity') {
    const [x, y, a, b] = found as [number, number, number, number];
    return [
      [x, a, -b],
      [y, b, a],
    ];
  }
  return [found.slice(0, found.length / 2), found.slice(found.length / 2)];
}

function fitPolynomial(kind: ModelKind, matches: readonly Match[], normalisation: Normalisation): PlaneMap | undefined {
  const [rows, values]: [number[][], number[][]] = [[], []];
  for (const { from, to, covariance } of matches) {
    const [ux, uy, vy] = whitening(covariance);
    const [forX, forY] = designOf(kind, ...normalised(from, normalisation));
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    rows.push(
      forX.map((each, i) => ux * each + uy * forY[i]!),
      forY.map((each) => vy * each),
    );
    values.push([ux * dx + uy * dy], [vy * dy]);
  }
  const found = leastSquares(rows, values);
  return (
    found &&
    mapOf(
      kind,
      normalisation,
      ...coefficientsOf(
        kind,
        found.map(([value]) => value!),
      ),
    )
  );
}

export const normalised = ([x, y]: GroundPosition, { origin, scale }: Normalisation): [u: number, v: number] => [
  (x - origin[0]) / scale,
  (y - origin[1]) / scale,
];

/** Upper triangular square root of the inverse of a covariance: it makes residuals of unit variance. */
function whitening([xx, xy, yy]: Symmetric): [number, number, number] {
  const determinant = xx * yy - xy * xy;
  const [a, b, c] = [yy / determinant, -xy / determinant, xx / determinant];
  const root = Math.sqrt(a);
  return [root, b / root, Math.sqrt(Math.max(0, c - (b * b) / a))];
}

/** Squared length of a residual in standard deviations of its covariance. */
export function mahalanobis([dx, dy]: readonly [number, number], [xx, xy, yy]: Symmetric): number {
  return (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy);
}

/**
 * Smoothed thin-plate spline on at most `MAX_KNOTS` knots: least Σ w·r² + n·λ·E, with E the bending energy, under the
 * side conditions that the knots' weights and their moments sum to zero. After Wahba, Spline Models for Observational
 * Data (1990). A match counts by the inverse of its mean variance.
 */
function fitSpline(matches: readonly Match[], options: FitOptions): PlaneMap | undefined {
  const places = matches.map(({ from }) => normalised(from, options));
  const knots = farthestApart(places, MAX_KNOTS);
  const weights = matches.map(({ covariance: [xx, , yy] }) => 2 / (xx + yy));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const bend = (a: readonly [number, number], b: readonly [number, number]) =>
    thinPlate((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2);
  const count = knots.length;
  const design = new Matrix(places.map((place) => [...knots.map((knot) => bend(place, knot)), 1, place[0], place[1]]));
  const weighted = design.clone().mulColumnVector(weights.map((weight) => weight / total));
  const normal = weighted.transpose().mmul(design); // [knots + 3, knots + 3]
  const size = count + 6;
  const system = Matrix.zeros(size, size);
  system.setSubMatrix(normal, 0, 0);
  // The energy δᵀEδ is positive for weights that obey the side conditions.
  const smoothing = options.smoothing ?? SMOOTHING;
  knots.forEach((a, i) => {
    knots.forEach((b, j) => {
      system.set(i, j, system.get(i, j) + smoothing * bend(a, b));
    });
    [1, ...a].forEach((each, k) => {
      system.set(i, count + 3 + k, each);
      system.set(count + 3 + k, i, each);
    });
  });
  const displacements = new Matrix(matches.map(({ from, to }) => [to[0] - from[0], to[1] - from[1]]));
  const right = Matrix.zeros(size, 2).setSubMatrix(weighted.transpose().mmul(displacements), 0, 0);
  const solved = solveSystem(system, right)?.transpose().to2DArray();
  if (!solved) return undefined;
  const [x, y] = solved as [number[], number[]];
  const plane = (side: number[]) => side.slice(count, count + 3);
  return mapOf('spline', options, plane(x), plane(y), { at: knots, x: x.slice(0, count), y: y.slice(0, count) });
}

/** Places that lie farthest from each other: each next one is the farthest from those chosen. */
function farthestApart(places: readonly (readonly [number, number])[], count: number): (readonly [number, number])[] {
  const distances = places.map(() => Number.POSITIVE_INFINITY);
  const chosen: (readonly [number, number])[] = [];
  let next = 0;
  while (chosen.length < Math.min(count, places.length)) {
    const place = places[next]!;
    chosen.push(place);
    places.forEach(([u, v], i) => {
      distances[i] = Math.min(distances[i]!, Math.hypot(u - place[0], v - place[1]));
    });
    next = distances.reduce((best, distance, i) => (distance > distances[best]! ? i : best), 0);
    if (distances[next] === 0) break;
  }
  return chosen;
}
