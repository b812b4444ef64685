/** One gray image of a scene, and smaller ones of it: what the older methods compare. */
import type { Raster } from '../../../raster/raster.ts';

export interface Gray {
  readonly width: number;
  readonly height: number;
  /** [height, width]; missing pixels hold the mean of the others. */
  readonly data: Float32Array;
}

/** Mean of the bands. */
export function grayOf({ data, width, height, bands, noData }: Raster): Gray {
  const gray = new Float32Array(width * height);
  let [sum, count] = [0, 0];
  for (let i = 0; i < gray.length; i++) {
    for (let band = 0; band < bands; band++) gray[i]! += data[i * bands + band]! / bands;
    if (noData?.[i]) continue;
    sum += gray[i]!;
    count++;
  }
  if (noData) for (let i = 0; i < gray.length; i++) if (noData[i]) gray[i] = sum / Math.max(1, count);
  return { data: gray, width, height };
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
