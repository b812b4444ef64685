/**
 * Converts the bytes of a decoded block to samples as stored: byte order, predictor, and samples of fractions of a
 * byte.
 */
import { rowBytes, samplesInBlock, type TiffLayout } from './tiff_layout.ts';

export type StoredSamples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

type StoredType = new (buffer: ArrayBuffer, offset: number, length: number) => StoredSamples;

/** Array types by sample format and bits. */
const TYPES: Record<number, Record<number, StoredType>> = {
  1: { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array },
  2: { 8: Int8Array, 16: Int16Array, 32: Int32Array, 64: BigInt64Array },
  3: { 32: Float32Array, 64: Float64Array },
};

const isLittleMachine = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Samples of a block, row by row, those of a pixel side by side.
 *
 * @param rows that the block holds.
 * @throws Error where there are fewer bytes than pixels.
 */
export function samplesOf(bytes: Uint8Array, rows: number, layout: TiffLayout): StoredSamples {
  const { bits, format, blockWidth, predictor, isLittleEndian } = layout;
  const needed = rows * rowBytes(layout);
  if (bytes.length < needed) throw new Error(`${bytes.length} bytes in a block of ${needed}`);
  const own = bytes.slice(0, needed);
  const count = rows * blockWidth * samplesInBlock(layout);
  if (predictor === 3) return undoFloatPredictor(own, rows, layout);
  if (format === 3 && bits < 32) return smallFloats(own, bits, isLittleEndian);
  const Type = TYPES[format]![bits];
  if (!Type) return unpackBits(own, rows, layout);
  if (isLittleEndian !== isLittleMachine) reverseBytes(own, bits / 8);
  // Differences are of integers, whatever the samples are.
  const Integer = predictor === 2 ? TYPES[1]![bits]! : Type;
  const stored = new Integer(own.buffer, 0, count);
  if (predictor === 2) undoDifferences(stored, layout);
  return predictor === 2 ? new Type(own.buffer, 0, count) : stored;
}

function reverseBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length; at += size) {
    for (let low = at, high = at + size - 1; low < high; low++, high--) {
      const byte = bytes[low]!;
      bytes[low] = bytes[high]!;
      bytes[high] = byte;
    }
  }
}

/** Predictor 2: each sample is stored as its difference from the one before it in the row (TIFF 6.0, section 14). */
function undoDifferences(stored: StoredSamples, layout: TiffLayout): void {
  const step = samplesInBlock(layout);
  const row = layout.blockWidth * step;
  for (let start = 0; start < stored.length; start += row) {
    const end = Math.min(start + row, stored.length);
    if (stored instanceof BigUint64Array) {
      for (let i = start + step; i < end; i++) stored[i]! += stored[i - step]!;
    } else {
      const integers = stored as Uint32Array;
      for (let i = start + step; i < end; i++) integers[i]! += integers[i - step]!; // wraps
    }
  }
}

/**
 * Predictor 3 (TIFF Technical Note 3): a row holds first the highest bytes of all its samples, then the next ones,
 * whatever the byte order of the file; and each byte as its difference from the one a pixel's samples before.
 */
function undoFloatPredictor(bytes: Uint8Array, rows: number, layout: TiffLayout): StoredSamples {
  const { bits, blockWidth } = layout;
  const [step, size] = [samplesInBlock(layout), bits / 8];
  const perRow = blockWidth * step;
  const ordered = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    const start = row * perRow * size;
    for (let i = start + step; i < start + perRow * size; i++) bytes[i]! += bytes[i - step]!;
    for (let sample = 0; sample < perRow; sample++) {
      for (let byte = 0; byte < size; byte++) {
        ordered[start + sample * size + byte] = bytes[start + byte * perRow + sample]!;
      }
    }
  }
  if (bits < 32) return smallFloats(ordered, bits, false);
  if (isLittleMachine) reverseBytes(ordered, size);
  return new TYPES[3]![bits]!(ordered.buffer, 0, rows * perRow);
}

/** Floats of 16 bits (IEEE 754 binary16) and of 24 (1 sign, 7 exponent, 16 fraction). */
function smallFloats(bytes: Uint8Array, bits: number, isLittleEndian: boolean): Float32Array {
  const size = bits / 8;
  const [exponentBits, fractionBits] = bits === 16 ? [5, 10] : [7, 16];
  const output = new Float32Array(bytes.length / size);
  for (let i = 0; i < output.length; i++) {
    let word = 0;
    for (let byte = 0; byte < size; byte++) {
      word = (word << 8) | bytes[i * size + (isLittleEndian ? size - 1 - byte : byte)]!;
    }
    output[i] = floatOf(word, exponentBits, fractionBits);
  }
  return output;
}

function floatOf(word: number, exponentBits: number, fractionBits: number): number {
  const sign = word >>> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const highest = 2 ** exponentBits - 1;
  const exponent = (word >>> fractionBits) & highest;
  const fraction = (word & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === highest) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** Unsigned samples of any number of bits, highest first; each row begins with a new byte. */
function unpackBits(bytes: Uint8Array, rows: number, layout: TiffLayout): StoredSamples {
  const { bits, blockWidth } = layout;
  const perRow = blockWidth * samplesInBlock(layout);
  if (bits === 1) return singleBits(bytes, rows, perRow);
  const output = bits <= 8 ? new Uint8Array(rows * perRow) : new Uint32Array(rows * perRow);
  for (let row = 0; row < rows; row++) {
    let [held, value, at] = [0, 0, row * rowBytes(layout)];
    for (let i = 0; i < perRow; i++) {
      // At most 31 bits and a byte: beyond what bit operations hold, but not beyond a double.
      for (; held < bits; held += 8) value = value * 256 + bytes[at++]!;
      held -= bits;
      const rest = 2 ** held;
      output[row * perRow + i] = Math.floor(value / rest);
      value %= rest;
    }
  }
  return output;
}

/** The same of masks, which are as large as the image. */
function singleBits(bytes: Uint8Array, rows: number, perRow: number): Uint8Array {
  const output = new Uint8Array(rows * perRow);
  const width = Math.ceil(perRow / 8);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < perRow; i++) output[row * perRow + i] = (bytes[row * width + (i >> 3)]! >> (7 - (i & 7))) & 1;
  }
  return output;
}

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) reversed |= 128 >> bit;
  return reversed;
});

/** Reverses the bits of each byte. */
export const reverseBits = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => REVERSED[byte]!);
