/**
 * Encodes the tiles of a TIFF: samples to their stored type, a predictor that makes neighbours alike, and DEFLATE by
 * the platform's own compressor.
 */

/** Types of samples that are written. */
export const STORED_TYPES = {
  uint8: { bits: 8, format: 1, low: 0, high: 255 },
  uint16: { bits: 16, format: 1, low: 0, high: 65535 },
  int16: { bits: 16, format: 2, low: -32768, high: 32767 },
  float32: { bits: 32, format: 3, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
} as const;
export type StoredType = keyof typeof STORED_TYPES;

/** Tag Predictor: differences of integers, or bytes of floats apart. */
export const predictorOf = (type: StoredType) => (type === 'float32' ? 3 : 2);

/** Samples of a tile: [side, side, bands], and 1 where a pixel is missing. */
export interface Tile {
  readonly data: Float32Array;
  readonly missing: Uint8Array;
}

/** @param noData value of missing pixels; valid samples move off it by one. */
export function encodeTile(
  { data, missing }: Tile,
  side: number,
  bands: number,
  type: StoredType,
  noData: number | undefined,
): Promise<Uint8Array> {
  const values = new Float32Array(data.length);
  const [low, high, isWhole] = [STORED_TYPES[type].low, STORED_TYPES[type].high, type !== 'float32'];
  for (let pixel = 0, i = 0; pixel < missing.length; pixel++) {
    for (let band = 0; band < bands; band++, i++) {
      let value = data[i]!;
      if (missing[pixel]) value = noData ?? 0;
      else if (isWhole) {
        value = Math.min(Math.max(Math.round(value), low), high);
        if (value === noData) value += value === high ? -1 : 1;
      }
      values[i] = value;
    }
  }
  return deflate(isWhole ? differences(values, side, bands, type) : floatBytes(values, side, bands));
}

/** Differences from the pixel before in a row (TIFF 6.0, section 14). */
function differences(values: Float32Array, side: number, bands: number, type: StoredType): Uint8Array {
  const output = STORED_TYPES[type].bits === 8 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  const row = side * bands;
  for (let start = 0; start < values.length; start += row) {
    for (let i = start; i < start + row; i++) output[i] = values[i]! - (i < start + bands ? 0 : values[i - bands]!);
  }
  if (output instanceof Uint16Array) return wordsOf(output);
  return output;
}

/** Bytes of 16-bit words, little endian on every machine. */
function wordsOf(words: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 2);
  for (let i = 0; i < words.length; i++) {
    bytes[2 * i] = words[i]! & 255;
    bytes[2 * i + 1] = words[i]! >> 8;
  }
  return bytes;
}

/**
 * TIFF Technical Note 3: a row holds first the highest bytes of all its samples, then the next ones; each byte as its
 * difference from the one a pixel's samples before.
 */
function floatBytes(values: Float32Array, side: number, bands: number): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bytes = new Uint8Array(values.length * 4);
  const row = side * bands;
  for (let start = 0; start < values.length; start += row) {
    const to = start * 4;
    for (let i = 0; i < row; i++) {
      const word = words[start + i]!;
      for (let byte = 0; byte < 4; byte++) bytes[to + byte * row + i] = word >>> (24 - 8 * byte);
    }
    for (let i = to + row * 4 - 1; i >= to + bands; i--) bytes[i]! -= bytes[i - bands]!;
  }
  return bytes;
}

/** A mask of one bit a pixel, the highest first: 1 where a pixel is valid. */
export function encodeMask({ missing }: Tile): Promise<Uint8Array> {
  const bytes = new Uint8Array(missing.length / 8);
  for (let i = 0; i < missing.length; i++) if (!missing[i]) bytes[i >> 3]! |= 128 >> (i & 7);
  return deflate(bytes);
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
