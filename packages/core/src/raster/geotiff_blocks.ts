/**
 * The tiles or strips of a TIFF: whether they can be where the header says, and how much may come out of one.
 *
 * A header of a few bytes can claim an image of 2³² × 2³² pixels, and a strip of a kilobyte can inflate to a gigabyte. So
 * the claims are held against the size of the file first, and no block may yield more than its pixels.
 */

import { Unzlib } from 'fflate';
import type { BaseDecoder } from 'geotiff';
import { damaged } from './raster_file.ts';

export interface TiffLayout {
  width: number;
  height: number;
  bands: number;
  /** By band. */
  bits: number[];
  /** SampleFormat: 1 unsigned, 2 signed, 3 float, 5 and 6 complex. */
  format: number;
  blockWidth: number;
  blockHeight: number;
  isTiled: boolean;
  /** One plane after the other, instead of pixel by pixel. */
  isPlanar: boolean;
  isLittleEndian: boolean;
  compression: number;
  predictor: number;
  photometric: number;
  /** Bytes, by block. */
  offsets: number[];
  byteCounts: number[];
}

const UNCOMPRESSED = 1;
const DEFLATE = [8, 32946];
/**
 * What a byte can become at most: DEFLATE reaches 1,032, LZW and JPEG of constant images about as much. Compressions
 * without such a bound (LERC, Zstandard) are held by `MAX_BLOCK` alone.
 */
const MAX_RATIO: Record<number, number> = { [UNCOMPRESSED]: 1, 5: 2048, 7: 2048, 8: 1100, 32773: 128, 32946: 1100 };
/** Decoded bytes of one block. */
const MAX_BLOCK = 2 ** 30;
/** Strips without compression are read in parts of about so many bytes. */
const STRIP_PART = 2 ** 18;

/** Of one pixel in a block. */
const pixelBits = ({ bits, isPlanar }: TiffLayout) => (isPlanar ? bits[0]! : bits.reduce((sum, each) => sum + each, 0));

/** Rows are filled up to whole bytes. */
const rowBytes = (layout: TiffLayout) => Math.ceil((layout.blockWidth * pixelBits(layout)) / 8);

const fullBlock = (layout: TiffLayout) => rowBytes(layout) * layout.blockHeight;

/** @param size of the file in bytes. @throws FormatError where a block is missing, lies outside, or cannot hold its pixels. */
export function requireBlocks(layout: TiffLayout, size: number, file: string): void {
  const { width, height, bands, blockWidth, blockHeight, isTiled, isPlanar, offsets, byteCounts } = layout;
  const fail = (expected: string, found: string) => damaged(file, 'GeoTIFF', expected, found);
  const name = isTiled ? 'tile' : 'strip';
  const wanted = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (isPlanar ? bands : 1);
  if (offsets.length < wanted || byteCounts.length < wanted) {
    throw fail(`${wanted} ${name}s for ${width} × ${height} pixels`, `${Math.min(offsets.length, byteCounts.length)}`);
  }
  if (fullBlock(layout) > MAX_BLOCK) {
    throw fail(`${name}s of at most ${MAX_BLOCK} bytes`, `${blockWidth} × ${blockHeight} pixels in one`);
  }
  const ratio = MAX_RATIO[layout.compression] ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i < wanted; i++) {
    const [offset, count] = [offsets[i]!, byteCounts[i]!];
    if (count === 0) continue; // a sparse file: nothing was written there
    if (!(offset >= 8 && offset + count <= size)) {
      throw fail(`${name} ${i} within the ${size} bytes of the file`, `bytes ${offset} to ${offset + count}`);
    }
    const pixels = rowsOf(layout, i) * rowBytes(layout);
    if (count * ratio < pixels)
      throw fail(`${pixels} bytes of pixels in ${name} ${i}`, `${count} bytes that cannot hold them`);
  }
}

/** The last strip holds the rows that are left; tiles are always full. */
function rowsOf({ height, blockHeight, isTiled }: TiffLayout, block: number): number {
  if (isTiled) return blockHeight;
  const strips = Math.ceil(height / blockHeight);
  return block % strips === strips - 1 ? height - (strips - 1) * blockHeight : blockHeight;
}

/** What geotiff.js lets a reader change. */
interface Tags {
  actualizedFields: Map<number | string, unknown>;
}

const [STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTE_COUNTS] = [273, 278, 279];

/**
 * Some files are one strip as a whole. Without compression any rows of it can be read alone, so that the strip is declared
 * to be several: a window then costs its rows, not the scene.
 */
export function splitLongStrips(layout: TiffLayout, tags: Tags): void {
  const { isTiled, compression, height, blockHeight, bands, isPlanar, offsets, byteCounts } = layout;
  const row = rowBytes(layout);
  if (isTiled || compression !== UNCOMPRESSED || row * blockHeight <= STRIP_PART) return;
  const rows = largestDivisor(blockHeight, Math.max(1, Math.floor(STRIP_PART / row)), blockHeight >= height);
  const strips = Math.ceil(height / blockHeight);
  const parts = { offsets: [] as number[], byteCounts: [] as number[] };
  for (let block = 0; block < strips * (isPlanar ? bands : 1); block++) {
    for (let first = 0; first < rowsOf(layout, block); first += rows) {
      parts.offsets.push(offsets[block]! + first * row);
      parts.byteCounts.push(byteCounts[block] === 0 ? 0 : Math.min(rows, rowsOf(layout, block) - first) * row);
    }
  }
  Object.assign(layout, parts, { blockHeight: rows });
  tags.actualizedFields.set(STRIP_OFFSETS, parts.offsets);
  tags.actualizedFields.set(STRIP_BYTE_COUNTS, parts.byteCounts);
  tags.actualizedFields.set(ROWS_PER_STRIP, rows);
}

/** Of n, at most `limit`; any number will do where there is only one strip. */
function largestDivisor(n: number, limit: number, isAlone: boolean): number {
  let rows = limit;
  while (!isAlone && n % rows !== 0) rows--;
  return rows;
}

type Parameters_ = ConstructorParameters<typeof BaseDecoder>[0];
type GetDecoder = (compression: number, parameters: never) => Promise<{ decode(bytes: ArrayBufferLike): unknown }>;

/** Decoders whose output is held against the size of a block; stands where geotiff.js expects a pool of workers. */
export function blockDecoder(layout: TiffLayout, getDecoder: GetDecoder) {
  const limit = fullBlock(layout);
  return (compression: number, parameters: Parameters_) => ({
    async decode(bytes: ArrayBufferLike): Promise<ArrayBufferLike> {
      const isDeflate = DEFLATE.includes(compression);
      const raw = isDeflate ? inflate(bytes, limit) : bytes;
      const decoder = await getDecoder(isDeflate ? UNCOMPRESSED : compression, parameters as never);
      const decoded = (await decoder.decode(raw)) as ArrayBufferLike;
      if (decoded.byteLength > limit) {
        throw new Error(`a block of ${decoded.byteLength} bytes, more than the ${limit} of its pixels`);
      }
      return decoded;
    },
  });
}

/** Stops as soon as more than `limit` bytes come out, beyond which a file only wants to fill the memory. */
function inflate(bytes: ArrayBufferLike, limit: number): ArrayBuffer {
  const output = new Uint8Array(limit);
  let length = 0;
  const stream = new Unzlib((part) => {
    if (length + part.length > limit)
      throw new Error(`a block that inflates to more than the ${limit} bytes of its pixels`);
    output.set(part, length);
    length += part.length;
  });
  const input = new Uint8Array(bytes);
  for (let start = 0; start < input.length; start += INFLATE_STEP) {
    stream.push(input.subarray(start, start + INFLATE_STEP), start + INFLATE_STEP >= input.length);
  }
  return length === limit ? output.buffer : output.buffer.slice(0, length);
}

/** Compressed bytes that are inflated at a time. */
const INFLATE_STEP = 2 ** 16;
