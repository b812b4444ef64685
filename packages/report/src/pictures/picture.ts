/**
 * Picture of a patch for display: stretched between its 2nd and 98th percentile, as PNG. The input of a matcher is made
 * by `toTensors` instead.
 */

import { quantile } from '@doppel/core/base';
import type { Raster } from '@doppel/core/raster';
import { encode } from 'fast-png';

const STRETCH = [0.02, 0.98] as const;

/**
 * Gray for one or two bands, else the first three as red, green and blue, stretched together so that colours stay.
 * Intensity is drawn as amplitude. Missing samples are transparent.
 */
export function pictureOf(raster: Raster): Uint8Array {
  const { data, height, width, bands, unit, noData } = raster;
  const drawn = bands >= 3 ? 3 : 1;
  const value = (pixel: number, band: number) => {
    const sample = data[pixel * bands + band]!;
    return unit === 'intensity' ? Math.sqrt(Math.max(sample, 0)) : sample;
  };
  const isMissing = (pixel: number) => noData?.[pixel] === 1 || !Number.isFinite(value(pixel, 0));
  const [low, high] = stretchOf(height * width, drawn, value, isMissing);
  const pixels = new Uint8Array(height * width * (drawn + 1)); // the last channel is opacity
  for (let pixel = 0; pixel < height * width; pixel++) {
    if (isMissing(pixel)) continue;
    for (let band = 0; band < drawn; band++) {
      const share = (value(pixel, band) - low) / (high - low);
      pixels[pixel * (drawn + 1) + band] = Math.round(Math.min(Math.max(share, 0), 1) * 255);
    }
    pixels[pixel * (drawn + 1) + drawn] = 255;
  }
  return encode({ width, height, data: pixels, channels: drawn + 1, depth: 8 });
}

/** A PNG as the source of an image inside an HTML page. */
export function dataUri(png: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < png.length; start += 0x8000) {
    binary += String.fromCharCode(...png.subarray(start, start + 0x8000));
  }
  return `data:image/png;base64,${btoa(binary)}`;
}

function stretchOf(
  pixels: number,
  bands: number,
  value: (pixel: number, band: number) => number,
  isMissing: (pixel: number) => boolean,
): [number, number] {
  const values = new Float64Array(pixels * bands);
  let count = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    if (isMissing(pixel)) continue;
    for (let band = 0; band < bands; band++) values[count++] = value(pixel, band);
  }
  if (count === 0) return [0, 1];
  const sorted = values.subarray(0, count).sort();
  const [low, high] = STRETCH.map((q) => quantile(sorted, q)) as [number, number];
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}
