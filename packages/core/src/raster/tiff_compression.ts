/**
 * Compressions of TIFF: their names, and a decoder for each supported one, whose output never exceeds the size of a
 * block. LERC, Zstandard and JPEG are decoded by libraries.
 */
import { type BaseDecoder, getDecoder, rgb } from 'geotiff';
import Lerc from 'lerc';
import { ZSTDDecoder } from 'zstddec';
import { inflate } from './inflate.ts';
import { type JpegHead, readJpegHead, requireReadableJpeg } from './jpeg_head.ts';
import { decodeByLibjpeg, wholeStream } from './libjpeg.ts';
import { decodeLzw } from './lzw.ts';
import { NotSupported } from './raster_file.ts';

export const COMPRESSION = { none: 1, lzw: 5, jpeg: 7, lerc: 34887 } as const;

/** Shape of a block, for its decoder. */
export interface BlockShape {
  width: number;
  height: number;
  /** Samples of a pixel. */
  samples: number;
  /** Bytes of the decoded block. */
  limit: number;
  /** True for floating-point samples. */
  isFloat: boolean;
  /** True if the last sample of a pixel is alpha. */
  hasAlpha: boolean;
  /** True for colours that JPEG has as YCbCr; its decoder makes red, green and blue of them. */
  isYCbCr: boolean;
  /** Tables that all blocks of JPEG share. */
  jpegTables?: Uint8Array | undefined;
  /** Version, and which compression lies around LERC: 0 none, 1 DEFLATE, 2 Zstandard. */
  lercParameters?: readonly number[] | undefined;
}

type Decoder = (bytes: Uint8Array, shape: BlockShape) => Uint8Array | Promise<Uint8Array>;

interface Compression {
  name: string;
  decode?: Decoder;
  /** True if the Predictor tag applies. */
  hasPredictor?: boolean;
}

const deflate: Compression = {
  name: 'DEFLATE',
  decode: (bytes, { limit }) => inflate(bytes, limit),
  hasPredictor: true,
};

const COMPRESSIONS: ReadonlyMap<number, Compression> = new Map<number, Compression>([
  [1, { name: 'none', decode: (bytes) => bytes }],
  [2, { name: 'CCITT RLE' }],
  [3, { name: 'CCITT fax 3' }],
  [4, { name: 'CCITT fax 4' }],
  [5, { name: 'LZW', decode: (bytes, { limit }) => decodeLzw(bytes, limit), hasPredictor: true }],
  [6, { name: 'old-style JPEG' }],
  [7, { name: 'JPEG', decode: decodeJpegBlock }],
  [8, deflate],
  [9, { name: 'JBIG (T.85)' }],
  [10, { name: 'JBIG (T.43)' }],
  [32766, { name: 'NeXT' }],
  [32771, { name: 'CCITT RLE, word-aligned' }],
  [32773, { name: 'PackBits', decode: (bytes, { limit }) => unpackBits(bytes, limit) }],
  [32809, { name: 'ThunderScan' }],
  [32908, { name: 'Pixar film' }],
  [32909, { name: 'PixarLog' }],
  [32946, deflate],
  [34661, { name: 'JBIG' }],
  [34676, { name: 'SGILog' }],
  [34677, { name: 'SGILog24' }],
  [34712, { name: 'JPEG 2000' }],
  [34887, { name: 'LERC', decode: decodeLercBlock }],
  [34892, { name: 'lossy JPEG (DNG)' }],
  [34925, { name: 'LZMA' }],
  [50000, { name: 'ZSTD', decode: (bytes, { limit }) => unzstd(bytes, limit), hasPredictor: true }],
  [50001, { name: 'WebP' }],
  [50002, { name: 'JPEG XL' }],
  [52546, { name: 'JPEG XL (DNG)' }],
]);

export const isSupported = (compression: number) => COMPRESSIONS.get(compression)?.decode !== undefined;
export const hasPredictor = (compression: number) => COMPRESSIONS.get(compression)?.hasPredictor === true;
export const compressionName = (compression: number) => COMPRESSIONS.get(compression)?.name ?? `${compression}`;

/** @throws Error for damage, NotSupported for an unsupported compression. */
export async function decodeBlock(compression: number, bytes: Uint8Array, shape: BlockShape): Promise<Uint8Array> {
  const block = await COMPRESSIONS.get(compression)!.decode!(bytes, shape);
  if (block.length <= shape.limit || compression === COMPRESSION.none) return block;
  throw new Error(`a block of ${block.length} bytes, more than the ${shape.limit} of its pixels`);
}

/** Decodes PackBits (TIFF 6.0, section 9): a count n, then n literal bytes or one byte repeated n times. */
function unpackBits(bytes: Uint8Array, limit: number): Uint8Array {
  const output = new Uint8Array(limit);
  let length = 0;
  for (let at = 0; at < bytes.length && length < limit; ) {
    const count = (bytes[at++]! << 24) >> 24;
    if (count === -128) continue;
    if (count < 0) {
      output.fill(bytes[at++]!, length, length + 1 - count);
      length += 1 - count;
    } else {
      output.set(bytes.subarray(at, at + Math.min(count + 1, limit - length)), length);
      length += Math.min(count + 1, bytes.length - at);
      at += count + 1;
    }
  }
  return output.subarray(0, Math.min(length, limit));
}

const zstd = new ZSTDDecoder();

/** Memory of the decoder in bytes, in addition to the compressed ones. */
const MAX_ZSTD = 2 ** 28;

/**
 * Decodes in one call into a buffer of the block's size, whatever the frame claims: streaming never ends on some
 * damaged frames.
 */
async function unzstd(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  if (limit > MAX_ZSTD) throw new NotSupported(`Zstandard in blocks of ${limit} bytes`);
  await zstd.init();
  const output = zstd.decode(bytes, limit);
  if (output.length > 0) return output;
  throw new Error(`Zstandard that does not yield the ${limit} bytes of a block`);
}

/**
 * Decodes gray, and three components as red, green and blue if they are YCbCr; others as they are, which libjpeg-turbo's
 * interface does not offer.
 */
async function decodeJpegBlock(bytes: Uint8Array, shape: BlockShape): Promise<Uint8Array> {
  const head = readJpegHead(bytes);
  requireReadableJpeg(head);
  if (head.width !== shape.width || head.height > shape.height || head.components.length !== shape.samples) {
    const found = `${head.width} × ${head.height} pixels of ${head.components.length} samples`;
    throw new Error(`a JPEG of ${found} in a block of ${shape.width} × ${shape.height} of ${shape.samples}`);
  }
  const { jpegTables, isYCbCr } = shape;
  if (isForLibjpeg(head, isYCbCr)) return decodeByLibjpeg(wholeStream(bytes, jpegTables, isYCbCr));
  requireWholeRestarts(head);
  const parameters = { JPEGTables: jpegTables, predictor: 1 };
  const decoder = await getDecoder(
    COMPRESSION.jpeg,
    parameters as unknown as ConstructorParameters<typeof BaseDecoder>[0],
  );
  const samples = new Uint8Array((await decoder.decode(bytes.slice().buffer)) as ArrayBuffer);
  return isYCbCr ? withColours(samples, shape.samples) : samples;
}

/** YCbCr in the first three samples of a pixel becomes red, green and blue. */
function withColours(pixels: Uint8Array, samples: number): Uint8Array {
  const stored = pixels.filter((_, i) => i % samples < 3);
  const colours = rgb.fromYCbCr(stored as unknown as Parameters<typeof rgb.fromYCbCr>[0]);
  return pixels.map((sample, i) => (i % samples < 3 ? colours[Math.floor(i / samples) * 3 + (i % samples)]! : sample));
}

/** A stream's own word on its colours goes before ours: JFIF's, which means YCbCr, and Adobe's. */
const isForLibjpeg = ({ components, isJfif, adobe }: JpegHead, isYCbCr: boolean) =>
  components.length === 1 ||
  (components.length === 3 && (!isJfif || isYCbCr) && (adobe ?? Number(isYCbCr)) === Number(isYCbCr));

/** geotiff.js decodes whole restarts only, of which the last of a single component may be shorter. */
function requireWholeRestarts({ components, restartInterval, width, height }: JpegHead): void {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  if (components.length === 1 && restartInterval > 0 && blocks % restartInterval !== 0) {
    throw new NotSupported('gray JPEG with restarts at odd places');
  }
}

/**
 * Decodes LERC. Masked pixels are NaN in floats, and transparent if the last sample is alpha (libtiff's tif_lerc.c).
 */
async function decodeLercBlock(bytes: Uint8Array, shape: BlockShape): Promise<Uint8Array> {
  const { width, height, samples, limit } = shape;
  const wrapping = shape.lercParameters?.[1] ?? 0;
  const most = limit + 2 ** 16 + limit / 4; // a block that does not shrink, its masks and headers
  const blob = wrapping === 1 ? inflate(bytes, most) : wrapping === 2 ? await unzstd(bytes, most) : bytes;
  requireLercShape(blob, shape);
  const image = decodeLerc(blob);
  if (image.width !== width || image.height > height) {
    throw new Error(`LERC of ${image.width} × ${image.height} pixels in a block of ${width} × ${height}`);
  }
  const stored = image.pixels.length * image.dimCount;
  const addsAlpha = shape.hasAlpha && stored === samples - 1;
  if (stored !== samples && !addsAlpha) throw new Error(`LERC of ${stored} samples where ${samples} are due`);
  const pixels = image.width * image.height;
  const Type = image.pixels[0]!.constructor as Float32ArrayConstructor;
  const output = new Type(pixels * samples);
  for (let i = 0; i < pixels; i++) {
    for (let sample = 0; sample < stored; sample++) {
      const [band, dimension] = [Math.floor(sample / image.dimCount), sample % image.dimCount];
      const mask = image.bandMasks?.[band] ?? image.mask;
      const isMasked = shape.isFloat && mask !== null && mask !== undefined && !mask[i];
      const value = image.pixels[band]![i * image.dimCount + dimension]!;
      output[i * samples + sample] = isMasked ? Number.NaN : value;
    }
    if (addsAlpha) output[i * samples + stored] = image.mask && !image.mask[i] ? 0 : 255;
  }
  // In a file of the other byte order libtiff codes samples whose bytes are swapped, so that they are still to be turned.
  return new Uint8Array(output.buffer);
}

/**
 * Calls the library, which has no way to read the offsets of blocks of large unsigned samples of 32 bits: it names a
 * method that does not exist, `DataView.getUInt32`.
 */
function decodeLerc(blob: Uint8Array): ReturnType<typeof Lerc.decode> {
  try {
    return Lerc.decode(blob.slice().buffer, { returnPixelInterleavedDims: true });
  } catch (error) {
    if (!(error instanceof TypeError && error.message.includes('getUInt32'))) throw error;
    throw new NotSupported('LERC of large unsigned samples of 32 bits');
  }
}

/** LERC's header (github.com/Esri/lerc, Lerc2.h), whose sizes the library allocates by. */
function requireLercShape(blob: Uint8Array, { width, height, samples }: BlockShape): void {
  const text = String.fromCharCode(...blob.subarray(0, 10));
  if (text.startsWith('CntZImage')) throw new NotSupported('LERC of version 1');
  if (!text.startsWith('Lerc2 ') || blob.length < 60) throw new Error('no header of LERC');
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  const version = view.getInt32(6, true);
  if (version > 5) throw new NotSupported(`LERC of version 2.${version}`);
  const at = version >= 3 ? 14 : 10;
  const [rows, columns] = [view.getInt32(at, true), view.getInt32(at + 4, true)];
  const dimensions = version >= 4 ? view.getInt32(at + 8, true) : 1;
  if (columns !== width || !(rows > 0 && rows <= height) || !(dimensions >= 1 && dimensions <= samples)) {
    throw new Error(`LERC of ${columns} × ${rows} pixels of ${dimensions} samples in a block of ${width} × ${height}`);
  }
}
