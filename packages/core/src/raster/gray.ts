/** One gray band of an image, and its logarithms, in which speckle is as strong everywhere. */
import type { Raster } from './raster.ts';

/** Mean of the bands, [height, width]; NaN where a pixel is missing. */
export function grayOf({ data, bands, width, height, noData }: Raster): Float32Array {
  const gray = new Float32Array(width * height);
  for (let pixel = 0; pixel < gray.length; pixel++) {
    let sum = 0;
    for (let band = 0; band < bands; band++) sum += data[pixel * bands + band]!;
    gray[pixel] = noData?.[pixel] ? Number.NaN : sum / bands;
  }
  return gray;
}

/** Takes logarithms; a value that is not positive counts as the least positive one. */
export function logarithms(values: Float32Array): Float32Array {
  const least = values.reduce((low, value) => (value > 0 && value < low ? value : low), Number.POSITIVE_INFINITY);
  return values.map((value) => Math.log(Number.isNaN(value) ? value : Math.max(value, least)));
}
