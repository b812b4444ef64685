/**
 * Where a template is most distinctive: the least eigenvalue of the structure tensor of its features, which is large only
 * where they change along every direction (Shi and Tomasi, Good Features to Track, 1994). Features are means over 8 pixels,
 * since those of speckle change everywhere but average out. The edge of what is known is no structure.
 */
import type { FeatureMap } from '../localisation/feature_map.ts';

/** Pixels of a step. */
export const STEP = 8;

/** Share of the steps of a square that may be unknown. */
const UNKNOWN = 0.1;

/** Sums over rectangles of the three components of the tensor. */
export interface Distinctiveness {
  /** Least eigenvalue per step of a square, by its upper left corner and side in steps; below 0 where too little is known. */
  at(column: number, row: number, side: number): number;
  readonly width: number;
  readonly height: number;
}

export function distinctiveness(map: FeatureMap, stride: number): Distinctiveness {
  const means = meansOf(map, STEP / stride);
  const { width, height } = means;
  const tables = [...tensorOf(means), means.unknown].map((values) => integral(values, width, height));
  const [xx, xy, yy, unknown] = tables as [Float64Array, Float64Array, Float64Array, Float64Array];
  const sum = (table: Float64Array, column: number, row: number, side: number) => {
    const w = width + 1;
    const [top, bottom] = [row * w + column, (row + side) * w + column];
    return table[bottom + side]! - table[bottom]! - table[top + side]! + table[top]!;
  };
  return {
    ...{ width, height },
    at(column, row, side) {
      const missing = sum(unknown, column, row, side) / (side * side);
      if (missing > UNKNOWN) return -missing;
      const [a, b, c] = [xx, xy, yy].map((table) => sum(table, column, row, side)) as [number, number, number];
      return ((a + c) / 2 - Math.hypot((a - c) / 2, b)) / (side * side);
    },
  };
}

interface Means extends FeatureMap {
  /** 1 where not all cells of a mean are known. */
  readonly unknown: Uint8Array;
}

function meansOf({ data, width, height, channels }: FeatureMap, factor: number): Means {
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)];
  const means = new Float32Array(w * h * channels);
  const unknown = new Uint8Array(w * h);
  for (let row = 0; row < h * factor; row++) {
    for (let column = 0; column < w * factor; column++) {
      const [from, to] = [row * width + column, Math.floor(row / factor) * w + Math.floor(column / factor)];
      if (data[from * channels] === 0 && data[from * channels + 1] === 0) unknown[to] = 1;
      for (let k = 0; k < channels; k++) means[to * channels + k]! += data[from * channels + k]! / (factor * factor);
    }
  }
  return { data: means, width: w, height: h, channels, unknown };
}

/** Products of the differences of known neighbours, summed over channels. */
function tensorOf({ data, width, height, channels, unknown }: Means): [Float64Array, Float64Array, Float64Array] {
  const [xx, xy, yy] = [
    new Float64Array(width * height),
    new Float64Array(width * height),
    new Float64Array(width * height),
  ];
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const i = row * width + column;
      if (unknown[i - 1]! | unknown[i + 1]! | unknown[i - width]! | unknown[i + width]!) continue;
      for (let k = 0; k < channels; k++) {
        const dx = (data[(i + 1) * channels + k]! - data[(i - 1) * channels + k]!) / 2;
        const dy = (data[(i + width) * channels + k]! - data[(i - width) * channels + k]!) / 2;
        xx[i]! += dx * dx;
        xy[i]! += dx * dy;
        yy[i]! += dy * dy;
      }
    }
  }
  return [xx, xy, yy];
}

/** Sums over all values above and to the left, with a row and a column of zeros. */
function integral(values: Float64Array | Uint8Array, width: number, height: number): Float64Array {
  const table = new Float64Array((width + 1) * (height + 1));
  for (let row = 0; row < height; row++) {
    let line = 0;
    for (let column = 0; column < width; column++) {
      line += values[row * width + column]!;
      table[(row + 1) * (width + 1) + column + 1] = table[row * (width + 1) + column + 1]! + line;
    }
  }
  return table;
}
