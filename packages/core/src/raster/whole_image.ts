/** Images of formats that cannot be read by window: decoded once, at the first read, then cropped. */
import type { SampleType } from './missing.ts';
import type { RasterSource } from './raster_file.ts';

/** All pixels of an image. */
export interface DecodedImage {
  /** [height, width, bands] */
  data: Float32Array;
  hidden?: Uint8Array;
  /** Stored samples, where colours are made of them. */
  stored?: ArrayLike<number>;
}

interface Description {
  width: number;
  height: number;
  bands: number;
  sample: SampleType;
  isRgb?: boolean;
}

export function wholeImage(description: Description, decode: () => Promise<DecodedImage>): RasterSource {
  let decoded: Promise<DecodedImage> | undefined;
  const { width, bands } = description;
  return {
    ...description,
    async samples(window, chosen, isNoData) {
      decoded ??= decode();
      const { data, hidden, stored } = await decoded;
      const pixels = window.width * window.height;
      const part = new Float32Array(pixels * chosen.length);
      const mask = hidden && new Uint8Array(pixels);
      const marked = isNoData && new Uint8Array(pixels);
      const count = chosen.length;
      for (let i = 0; i < pixels; i++) {
        const from = (window.row + Math.floor(i / window.width)) * width + window.column + (i % window.width);
        for (let k = 0; k < count; k++) {
          const sample = data[from * bands + chosen[k]!]!;
          part[i * count + k] = sample;
          if (marked && !stored && isNoData(chosen[k]!, sample)) marked[i]!++;
        }
        if (marked && stored && isNoData(0, stored[from]!)) marked[i] = 1;
        if (mask) mask[i] = hidden![from]!;
      }
      return { data: part, hidden: mask, marked, compared: stored ? 1 : chosen.length };
    },
  };
}
