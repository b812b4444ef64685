/**
 * The peak of a correlation map to a part of a cell, with its covariance: a paraboloid through the nine cells around it.
 *
 * Noise n on the map moves the peak by −H⁻¹∇n, H being the curvature there; so the covariance is H⁻¹ G H⁻¹, with G the mean of
 * ∇n·∇nᵀ, which the map itself shows away from the peak.
 */
import type { CorrelationMap } from '../localisation/correlation.ts';

export interface FittedPeak {
  /** Place of the template's upper left cell, in cells of the map. */
  readonly column: number;
  readonly row: number;
  /** Correlation at the highest cell. */
  readonly value: number;
  /** Highest other maximum over the peak, both above the mean of the map; 1 is fully ambiguous, 0 without another one. */
  readonly ratio: number;
  /** (value − mean) / standard deviation of the map. */
  readonly height: number;
  readonly isOnRim: boolean;
  /** Squared cells: column-column, column-row, row-row. */
  readonly covariance: readonly [number, number, number];
}

/** Largest variance, of a map without curvature. */
const MOST = 1e4;

/** @param apart cells from the peak beyond which another one is its rival. */
export function fitPeak(map: CorrelationMap, apart: number): FittedPeak {
  const { values, width, height } = map;
  let best = 0;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > values[best]!) best = i;
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  const std = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  const [row, column] = [Math.floor(best / width), best % width];
  const value = values[best]!;
  const isOnRim = row === 0 || column === 0 || row === height - 1 || column === width - 1;
  const rest = { value, ratio: ratioOf(map, best, mean, apart), height: std > 0 ? (value - mean) / std : 0 };
  if (isOnRim) return { column, row, ...rest, isOnRim, covariance: [MOST, 0, MOST] };
  const { at, curvature } = paraboloid(map, column, row);
  const noise = gradientsOf(map, column, row, apart);
  return { column: column + at[0], row: row + at[1], ...rest, isOnRim, covariance: sandwich(curvature, noise) };
}

function ratioOf({ values, width, height }: CorrelationMap, best: number, mean: number, apart: number): number {
  const [row, column] = [Math.floor(best / width), best % width];
  let rival = mean;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = values[y * width + x]!;
      if (value <= rival || (x - column) ** 2 + (y - row) ** 2 <= apart * apart) continue;
      if (isMaximum(values, width, height, x, y)) rival = value;
    }
  }
  const peak = values[best]! - mean;
  return peak > 0 ? (rival - mean) / peak : 1;
}

/** True where no neighbour is higher: the flank of a peak is no rival. */
function isMaximum(values: Float32Array, width: number, height: number, x: number, y: number): boolean {
  const own = values[y * width + x]!;
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
      if (values[v * width + u]! > own) return false;
  }
  return true;
}

type Symmetric = readonly [xx: number, xy: number, yy: number];

/** Vertex and curvature of z = c + gᵀd + ½dᵀHd by least squares over 3 × 3 cells; the vertex stays within a cell. */
function paraboloid({ values, width }: CorrelationMap, column: number, row: number) {
  const z = (dx: number, dy: number) => values[(row + dy) * width + column + dx]!;
  const across = (dx: number) => z(dx, -1) + z(dx, 0) + z(dx, 1);
  const down = (dy: number) => z(-1, dy) + z(0, dy) + z(1, dy);
  const [gx, gy] = [(across(1) - across(-1)) / 6, (down(1) - down(-1)) / 6];
  const xx = (across(1) - 2 * across(0) + across(-1)) / 3;
  const yy = (down(1) - 2 * down(0) + down(-1)) / 3;
  const xy = (z(1, 1) - z(-1, 1) - z(1, -1) + z(-1, -1)) / 4;
  const determinant = xx * yy - xy * xy;
  const isPeak = xx < 0 && yy < 0 && determinant > 0;
  const at = isPeak ? [(xy * gy - yy * gx) / determinant, (xy * gx - xx * gy) / determinant] : [0, 0];
  const limited = at.map((each) => Math.min(1, Math.max(-1, each))) as [number, number];
  return { at: limited, curvature: [xx, xy, yy] as Symmetric };
}

/** Mean of ∇·∇ᵀ over the map, the peak left out. */
function gradientsOf({ values, width, height }: CorrelationMap, column: number, row: number, apart: number): Symmetric {
  let [xx, xy, yy, count] = [0, 0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      if ((x - column) ** 2 + (y - row) ** 2 <= apart * apart) continue;
      const i = y * width + x;
      const gx = (values[i + 1]! - values[i - 1]!) / 2;
      const gy = (values[i + width]! - values[i - width]!) / 2;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      count++;
    }
  }
  return count === 0 ? [0, 0, 0] : [xx / count, xy / count, yy / count];
}

/** H⁻¹ G H⁻¹ */
function sandwich([a, b, c]: Symmetric, [p, q, r]: Symmetric): [number, number, number] {
  const determinant = a * c - b * b;
  if (!(a < 0 && c < 0 && determinant > 0)) return [MOST, 0, MOST];
  const [i, j, k] = [c / determinant, -b / determinant, a / determinant];
  const [m00, m01, m10, m11] = [i * p + j * q, i * q + j * r, j * p + k * q, j * q + k * r];
  const limited = (variance: number) => Math.min(MOST, variance);
  return [limited(m00 * i + m01 * j), m00 * j + m01 * k, limited(m10 * j + m11 * k)];
}
