/**
 * Fit of a shift, similarity or affine map where neighbours err alike: terrain displaces whole valleys, so that a hundred
 * points are no hundred witnesses. Residuals have a covariance that falls off with distance, its share by restricted
 * maximum likelihood (generalised least squares; Cressie, Statistics for Spatial Data, 1993); the linear part has a prior,
 * for georeferences are seldom off by more than a shift unless somebody says so.
 */
import { determinant, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { solveSystem } from '../base/least_squares.ts';
import { type Match, type Normalisation, normalised } from './fit_plane.ts';
import { mapPoint } from './plane_map.ts';
import type { GroundPosition, PlaneMap } from './registration.ts';
import type { StiffKind } from './robust_fit.ts';

export interface CorrelatedOptions extends Normalisation {
  /** Side of a pixel of the working grid in units of the ground: no match is surer than a part of it. */
  readonly pixel: number;
  /** Standard deviation of the slopes of a rotation or change of scale, and of all else that is linear. */
  readonly slopes: { readonly turn: number; readonly shear: number };
}

export interface CorrelatedFit {
  readonly map: PlaneMap;
  /** Standard deviation of where the map puts a position: the root of the summed variances of both axes. */
  uncertaintyAt(position: GroundPosition): number;
  /** Displacement of a position by the linear part alone, and its standard deviation. */
  linearAt(position: GroundPosition): { readonly length: number; readonly deviation: number };
}

/** Typical error of the slopes of a georeference, where nothing else is known: half a metre a kilometre. */
export const USUAL_SLOPE = 5e-4;

/** Distance at which the correlation has fallen to 1/e, in the normalised units of positions (1: middle to corner). */
const RANGE = 1.5;
/** Shares of the variance that neighbours have in common. */
const SHARES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/** Standard deviation of a match, at least, in pixels. */
const SUREST = 0.1;
/** Matches that are treated one by one, at most; beyond, means of neighbours are. */
const MOST = 150;
/** Unknowns: shift in x and y; then scale, rotation, stretch and shear. */
const UNKNOWNS: Record<StiffKind, number> = { shift: 2, similarity: 4, affine: 6 };

interface Item {
  readonly at: readonly [u: number, v: number];
  readonly moved: readonly [dx: number, dy: number];
}

/**
 * Map of a kind with its uncertainty; undefined where the matches do not determine one. The covariances of their peaks are
 * left out: what neighbours have in common outweighs them.
 */
export function correlatedFit(
  kind: StiffKind,
  matches: readonly Match[],
  { origin, scale, pixel, slopes }: CorrelatedOptions,
): CorrelatedFit | undefined {
  const at = (position: GroundPosition) => normalised(position, { origin, scale });
  const items = merged(
    matches.map(({ from, to }): Item => ({ at: at(from), moved: [to[0] - from[0], to[1] - from[1]] })),
  );
  if (2 * items.length <= UNKNOWNS[kind]) return undefined;
  const eigen = new EigenvalueDecomposition(correlationOf(items), { assumeSymmetric: true });
  const [turned, values] = [eigen.eigenvectorMatrix.transpose(), eigen.realEigenvalues];
  const trend = turned.mmul(new Matrix(items.map(({ at: [u, v] }) => [1, u, v])));
  const count = UNKNOWNS[kind];
  const normal = Matrix.zeros(count, count);
  const right = Matrix.zeros(count, 1);
  for (const axis of [0, 1] as const) {
    const moved = turned.mmul(Matrix.columnVector(items.map((item) => item.moved[axis])));
    const weights = weightsOf(trend, moved.getColumn(0), values, (SUREST * pixel) ** 2);
    const design = turned.mmul(new Matrix(items.map((item) => rowOf(item.at, axis).slice(0, count))));
    const weighted = design.clone().mulColumnVector(weights).transpose();
    normal.add(weighted.mmul(design));
    right.add(weighted.mmul(moved));
  }
  for (let i = 2; i < count; i++) {
    const deviation = (i < 4 ? slopes.turn : slopes.shear) * scale;
    normal.set(i, i, normal.get(i, i) + 1 / deviation ** 2);
  }
  const solved = solveSystem(normal, right)?.getColumn(0);
  const covariance = solveSystem(normal, Matrix.eye(count));
  if (!solved || !covariance || ![...solved].every(Number.isFinite)) return undefined;
  const [tx, ty, s = 0, r = 0, e = 0, h = 0] = solved as [number, number, ...number[]];
  const map: PlaneMap = {
    ...{ kind, origin, scale },
    x: [origin[0] + tx, scale + s + e, r + h],
    y: [origin[1] + ty, h - r, scale + s - e],
  };
  /** Root of the summed variances of both axes, of all unknowns or of those from `first` on. */
  const deviationAt = (position: readonly [number, number], first: number) =>
    Math.sqrt(
      ([0, 1] as const).reduce<number>((sum, axis) => {
        const row = rowOf(position, axis)
          .slice(0, count)
          .map((value, i) => (i < first ? 0 : value));
        const vector = Matrix.rowVector(row);
        return sum + Math.max(0, vector.mmul(covariance).mmul(vector.transpose()).get(0, 0));
      }, 0),
    );
  return {
    map,
    uncertaintyAt: (position) => deviationAt(at(position), 0),
    linearAt(position) {
      const [x, y] = mapPoint(map, position);
      const length = Math.hypot(x - position[0] - tx, y - position[1] - ty);
      return { length, deviation: deviationAt(at(position), 2) };
    },
  };
}

/** Row of the design: displacement along an axis by unknown. */
function rowOf([u, v]: readonly [number, number], axis: 0 | 1): number[] {
  return axis === 0 ? [1, 0, u, v, u, v] : [0, 1, v, -u, -v, u];
}

function correlationOf(items: readonly Item[]): Matrix {
  return new Matrix(
    items.map(({ at: [u, v] }) =>
      items.map((other) => Math.exp(-Math.hypot(u - other.at[0], v - other.at[1]) / RANGE)),
    ),
  );
}

/**
 * Inverse variances of turned residuals, whose covariance is diagonal: variance × (share × eigenvalue + 1 − share), of the
 * share with the highest restricted likelihood under an affine trend.
 */
function weightsOf(trend: Matrix, moved: readonly number[], values: readonly number[], least: number): number[] {
  let [best, most] = [moved.map(() => 1), Number.NEGATIVE_INFINITY];
  for (const share of SHARES) {
    const variances = values.map((value) => Math.max(1e-6, share * value + 1 - share));
    const weights = variances.map((each) => 1 / each);
    const weighted = trend.clone().mulColumnVector(weights).transpose();
    const normal = weighted.mmul(trend);
    const solved = solveSystem(normal, weighted.mmul(Matrix.columnVector([...moved])));
    if (!solved) continue;
    const fitted = trend.mmul(solved).getColumn(0);
    const sum = moved.reduce((total, value, i) => total + weights[i]! * (value - fitted[i]!) ** 2, 0);
    const free = Math.max(1, moved.length - 3);
    const variance = Math.max(least, sum / free);
    const logs = variances.reduce((total, each) => total + Math.log(each), 0);
    const likelihood = -0.5 * (free * Math.log(variance) + logs + Math.log(Math.max(1e-300, determinant(normal))));
    if (likelihood > most) [best, most] = [weights.map((each) => each / variance), likelihood];
  }
  return best;
}

/** Means of neighbours, where there are too many items to be treated one by one. */
function merged(items: readonly Item[]): readonly Item[] {
  if (items.length <= MOST) return items;
  const side = 2 / Math.floor(Math.sqrt(MOST)); // positions lie within −1 to 1
  const blocks = new Map<string, Item[]>();
  for (const item of items) {
    const name = item.at.map((each) => Math.floor(each / side)).join(' ');
    blocks.set(name, [...(blocks.get(name) ?? []), item]);
  }
  const mean = (of: readonly (readonly [number, number])[]) =>
    [0, 1].map((axis) => of.reduce((sum, each) => sum + each[axis as 0 | 1], 0) / of.length) as unknown as readonly [
      number,
      number,
    ];
  return [...blocks.values()].map((block) => ({
    at: mean(block.map((each) => each.at)),
    moved: mean(block.map((each) => each.moved)),
  }));
}
