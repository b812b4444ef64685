/** One gray image of a scene, and smaller ones of it: what the older methods compare. */
import { grayOf as bandMean } from '../../../raster/gray.ts';
import type { Raster } from '../../../raster/raster.ts';

export interface Gray {
  readonly width: number;
  readonly height: number;
  /** [height, width]; missing pixels hold the mean of the others. */
  readonly data: Float32Array;
}

/** Mean of the bands. */
export function grayOf(raster: Raster): Gray {
  const { width, height } = raster;
  const data = bandMean(raster);
  let [sum, count] = [0, 0];
  for (const value of data) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  const mean = sum / Math.max(1, count);
  return { data: data.map((value) => (Number.isNaN(value) ? mean : value)), width, height };
}

/** Mean of each block of `factor`² pixels. */
export function reduced({ data, width, height }: Gray, factor: number): Gray {
  if (factor === 1) return { data, width, height };
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)];
  const small = new Float32Array(w * h);
  for (let y = 0; y < h * factor; y++) {
    const to = Math.floor(y / factor) * w;
    for (let x = 0; x < w * factor; x++) small[to + Math.floor(x / factor)]! += data[y * width + x]!;
  }
  return { data: small.map((sum) => sum / (factor * factor)), width: w, height: h };
}
