/** Formats that cannot be read in parts: decoded once, at the first read, then cut from. */
import type { RasterSource } from './raster_file.ts';

interface Decoded {
  /** [height, width, bands] */
  data: Float32Array;
  hidden?: Uint8Array;
}

export function wholeImage(
  { width, height, bands }: { width: number; height: number; bands: number },
  decode: () => Promise<Decoded>,
): RasterSource {
  let decoded: Promise<Decoded> | undefined;
  return {
    ...{ width, height, bands },
    async samples(window, chosen) {
      decoded ??= decode();
      const { data, hidden } = await decoded;
      const pixels = window.width * window.height;
      const part = new Float32Array(pixels * chosen.length);
      const mask = hidden && new Uint8Array(pixels);
      for (let i = 0; i < pixels; i++) {
        const from = (window.row + Math.floor(i / window.width)) * width + window.column + (i % window.width);
        for (const [k, band] of chosen.entries()) part[i * chosen.length + k] = data[from * bands + band]!;
        if (mask) mask[i] = hidden![from]!;
      }
      return { data: part, ...(mask && { hidden: mask }) };
    },
  };
}
