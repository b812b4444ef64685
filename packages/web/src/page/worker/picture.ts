/** Samples as pictures: limits of the grey scale, and bytes for a canvas. */

/** Bytes for a canvas: red, green, blue, alpha of each pixel. */
export interface Picture {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface Samples {
  /** [height, width, bands] */
  data: ArrayLike<number>;
  width: number;
  height: number;
  bands: number;
  /** [height, width]: 1 where a pixel is missing. */
  noData?: ArrayLike<number> | undefined;
}

/** Values that are shown black and white. */
export type Limits = readonly [low: number, high: number];

/** Shares of the samples that are shown black and white. */
const TAILS = [0.01, 0.99] as const;
/** Samples that are sorted to find them. */
const MOST = 65_536;

/** Limits between which 98 % of the samples lie. */
export function limitsOf({ data, bands, noData }: Samples): Limits {
  const step = Math.max(1, Math.floor(data.length / MOST));
  const values: number[] = [];
  for (let i = 0; i < data.length; i += step) {
    const value = data[i]!;
    if (Number.isFinite(value) && !noData?.[Math.floor(i / bands)]) values.push(value);
  }
  if (values.length === 0) return [0, 1];
  values.sort((a, b) => a - b);
  const [low, high] = TAILS.map((share) => values[Math.round(share * (values.length - 1))]!) as [number, number];
  return high > low ? [low, high] : [low, low + 1];
}

/** Picture of one band in grey, or of the first three in colour; missing pixels are transparent. */
export function pictureOf({ data, width, height, bands, noData }: Samples, [low, high]: Limits): Picture {
  const rgba = new Uint8ClampedArray(width * height * 4);
  const scale = 255 / (high - low);
  const isColour = bands >= 3;
  for (let pixel = 0; pixel < width * height; pixel++) {
    let isThere = !noData?.[pixel];
    for (let k = 0; k < 3; k++) {
      const value = data[pixel * bands + (isColour ? k : 0)]!;
      isThere &&= !Number.isNaN(value);
      rgba[pixel * 4 + k] = (value - low) * scale;
    }
    rgba[pixel * 4 + 3] = isThere ? 255 : 0;
  }
  return { width, height, rgba };
}
