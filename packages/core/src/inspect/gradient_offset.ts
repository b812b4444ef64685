/**
 * Estimates the offset of a SAR and an optical patch by correlating the directions of their gradients: edges lie at the
 * same places in both, whatever their brightness and sign. After Fitch et al., Orientation correlation (BMVC 2002),
 * with angles doubled so that an edge counts the same from dark to bright and from bright to dark.
 *
 * The estimate of one patch is noisy; the sum of the surfaces of many patches of a scene is reliable.
 */

import { momentsOf } from '../base/moments.ts';
import { gaussian } from '../localisation/gaussian.ts';
import { grayOf, logarithms } from '../raster/gray.ts';
import type { Raster } from '../raster/raster.ts';

/** Correlations for shifts of ±reach pixels in both directions, row by row: rows move first. */
export interface OffsetSurface {
  reach: number;
  /** Correlations in [−1, 1], (2·reach + 1)² values. */
  values: Float64Array;
}

export interface Offset {
  /** Pixels by which the SAR content lies to the right of, and below, the optical one. */
  columns: number;
  rows: number;
  /** Correlation at this offset, and without a shift. */
  peak: number;
  atZero: number;
  /** Height of the peak: (peak − mean) / standard deviation of the surface away from it. */
  significance: number;
}

/** Undefined where the patch is too small for the reach, or one of the two has no gradients. */
export function offsetSurface(sar: Raster, optical: Raster, reach: number): OffsetSurface | undefined {
  const { width, height } = sar;
  if (Math.min(width, height) < 4 * reach) return undefined;
  const [a, b] = [orientations(sar), orientations(optical)];
  const energies = summedEnergy(a, width, height);
  const [across, down] = [width - 2 * reach, height - 2 * reach];
  const energyB = windowSum(summedEnergy(b, width, height), width, reach, reach, across, down);
  const span = 2 * reach + 1;
  const values = new Float64Array(span * span);
  for (let i = 0; i < values.length; i++) {
    const [columns, rows] = [(i % span) - reach, Math.floor(i / span) - reach];
    const energyA = windowSum(energies, width, reach + columns, reach + rows, across, down);
    const correlation = product(a, b, width, height, reach, rows * width + columns) / Math.sqrt(energyA * energyB);
    if (!Number.isFinite(correlation)) return undefined;
    values[i] = correlation;
  }
  return { reach, values };
}

/** The peak of a surface, or of a sum of surfaces. */
export function offsetOf({ reach, values }: OffsetSurface): Offset {
  const span = 2 * reach + 1;
  const best = values.reduce((at, value, i) => (value > values[at]! ? i : at), 0);
  const [columns, rows] = [(best % span) - reach, Math.floor(best / span) - reach];
  const away = values.filter(
    (_, i) => Math.max(Math.abs((i % span) - reach - columns), Math.abs(Math.floor(i / span) - reach - rows)) > 2,
  );
  const mean = away.reduce((sum, value) => sum + value, 0) / away.length;
  const spread = Math.sqrt(away.reduce((sum, value) => sum + (value - mean) ** 2, 0) / away.length);
  const [peak, atZero] = [values[best]!, values[reach * span + reach]!];
  return { columns, rows, peak, atZero, significance: spread > 0 ? (peak - mean) / spread : 0 };
}

/** Adds b to a, or starts with b. */
export function addSurface(a: OffsetSurface | undefined, b: OffsetSurface): OffsetSurface {
  return { reach: b.reach, values: a ? a.values.map((value, i) => value + b.values[i]!) : b.values };
}

/** Gradient direction of each pixel as a vector of doubled angle, at most 1 long; 0 where there is no gradient. */
interface Orientations {
  x: Float32Array;
  y: Float32Array;
}

/** Standard deviation of the Gaussian before the gradient, in pixels: speckle has structure below it. */
const SMOOTHING = 1.5;

function orientations(raster: Raster): Orientations {
  const { width, height } = raster;
  const image = gaussian(levelled(raster), width, height, 1, SMOOTHING);
  const [gx, gy] = [new Float32Array(image.length), new Float32Array(image.length)];
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const i = row * width + column;
      gx[i] = image[i + 1]! - image[i - 1]!;
      gy[i] = image[i + width]! - image[i - width]!;
    }
  }
  const squares = gx.map((value, i) => value * value + gy[i]! * gy[i]!);
  const typical = squares.reduce((sum, value) => sum + (Number.isFinite(value) ? value : 0), 0) / squares.length;
  // (gx + i·gy)² / (|g|² + typical): faint gradients count little, all strong ones equally.
  const x = squares.map((_, i) => finite((gx[i]! ** 2 - gy[i]! ** 2) / (squares[i]! + typical)));
  const y = squares.map((_, i) => finite((2 * gx[i]! * gy[i]!) / (squares[i]! + typical)));
  return { x, y };
}

const finite = (value: number) => (Number.isFinite(value) ? value : 0);

/** One gray band. Amplitude and intensity become logarithms, in which speckle is as strong everywhere. */
function levelled(raster: Raster): Float32Array {
  const gray = grayOf(raster);
  const level = raster.unit === 'amplitude' || raster.unit === 'intensity' ? logarithms(gray) : gray;
  const { mean } = momentsOf(level);
  return level.map((value) => (Number.isFinite(value) ? value : mean));
}

/** Sum over the middle of b of its scalar product with what lies `shift` samples further in a. */
function product(
  a: Orientations,
  b: Orientations,
  width: number,
  height: number,
  reach: number,
  shift: number,
): number {
  let sum = 0;
  for (let row = reach; row < height - reach; row++) {
    const end = row * width + width - reach;
    for (let i = row * width + reach; i < end; i++) sum += a.x[i + shift]! * b.x[i]! + a.y[i + shift]! * b.y[i]!;
  }
  return sum;
}

/** Squared lengths, summed over all that lies above and left of a corner: [height + 1, width + 1]. */
function summedEnergy({ x, y }: Orientations, width: number, height: number): Float64Array {
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let row = 0; row < height; row++) {
    let line = 0;
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      line += x[i]! ** 2 + y[i]! ** 2;
      sums[(row + 1) * (width + 1) + column + 1] = sums[row * (width + 1) + column + 1]! + line;
    }
  }
  return sums;
}

function windowSum(
  sums: Float64Array,
  imageWidth: number,
  column: number,
  row: number,
  width: number,
  height: number,
): number {
  const at = (c: number, r: number) => sums[r * (imageWidth + 1) + c]!;
  return at(column + width, row + height) - at(column, row + height) - at(column + width, row) + at(column, row);
}
