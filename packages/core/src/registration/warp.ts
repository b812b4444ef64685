/** Bicubic samples of a raster at the places of an affine map (Keys, Cubic Convolution Interpolation, 1981). */
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { applyAffine, type PixelAffine } from './pixel_affine.ts';

/** Pixels around a place that have a part in its sample. */
const REACH = 2;

/** Window of the source that a window of the target needs. @param toSource pixels of the target → of the source. */
export function sourceWindow({ column, row, width, height }: RasterWindow, toSource: PixelAffine): RasterWindow {
  const corners = [0, width].flatMap((u) => [0, height].map((v) => applyAffine(toSource, column + u, row + v)));
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, top] = [Math.floor(Math.min(...xs)) - REACH, Math.floor(Math.min(...ys)) - REACH];
  const [right, bottom] = [Math.ceil(Math.max(...xs)) + REACH, Math.ceil(Math.max(...ys)) + REACH];
  return { column: left, row: top, width: right - left, height: bottom - top };
}

/**
 * @param source raster of the window `from` of the source. @param window of the target.
 * @returns missing where one of the 16 pixels around is missing.
 */
export function warped(source: Raster, from: RasterWindow, window: RasterWindow, toSource: PixelAffine): Raster {
  const { bands } = source;
  const { width, height } = window;
  const data = new Float32Array(width * height * bands);
  const noData = new Uint8Array(width * height);
  const [wx, wy] = [new Float64Array(4), new Float64Array(4)];
  let isMissing = false;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = applyAffine(toSource, window.column + column + 0.5, window.row + row + 0.5);
      const pixel = row * width + column;
      if (sampleAt(source, x - from.column - 0.5, y - from.row - 0.5, wx, wy, data, pixel * bands)) continue;
      noData[pixel] = 1;
      isMissing = true;
    }
  }
  return { data, width, height, bands, unit: source.unit, ...(isMissing && { noData }) };
}

/** Weights of four neighbours at a distance t in [0, 1) from the second one, with a = −½. */
function cubic(t: number, weights: Float64Array): void {
  const [t2, t3] = [t * t, t * t * t];
  weights[0] = -0.5 * t3 + t2 - 0.5 * t;
  weights[1] = 1.5 * t3 - 2.5 * t2 + 1;
  weights[2] = -1.5 * t3 + 2 * t2 + 0.5 * t;
  weights[3] = 0.5 * t3 - 0.5 * t2;
}

/** @param x, y between the centres of pixels. @returns false where a pixel is missing. */
function sampleAt(
  { data, width, height, bands, noData }: Raster,
  x: number,
  y: number,
  wx: Float64Array,
  wy: Float64Array,
  to: Float32Array,
  at: number,
): boolean {
  const [x0, y0] = [Math.floor(x) - 1, Math.floor(y) - 1];
  if (x0 < 0 || y0 < 0 || x0 + 3 >= width || y0 + 3 >= height) return false;
  cubic(x - x0 - 1, wx);
  cubic(y - y0 - 1, wy);
  for (let j = 0; j < 4; j++) {
    for (let i = 0; i < 4; i++) {
      const from = (y0 + j) * width + x0 + i;
      if (noData?.[from]) return false;
      const weight = wx[i]! * wy[j]!;
      for (let band = 0; band < bands; band++) to[at + band]! += weight * data[from * bands + band]!;
    }
  }
  return true;
}
