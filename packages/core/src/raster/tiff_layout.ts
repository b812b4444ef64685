/**
 * Layout of an image in a TIFF: its tiles or strips, checked against the size of the file, and the maximum decoded size
 * of each.
 *
 * A header of a few bytes can claim an image of 2³² × 2³² pixels, and a strip of a kilobyte can inflate to a gigabyte.
 * So the claims are held against the size of the file first, and no block may yield more than its pixels.
 */
import { damaged, gdalTranslate, unsupported } from './raster_file.ts';
import { COMPRESSION, compressionName, hasPredictor, isSupported } from './tiff_compression.ts';
import { TAG, type TiffDirectory } from './tiff_directory.ts';

export interface TiffLayout {
  width: number;
  height: number;
  bands: number;
  /** Bits of each sample. */
  bits: number;
  /** SampleFormat: 1 unsigned, 2 signed, 3 float. */
  format: number;
  blockWidth: number;
  blockHeight: number;
  isTiled: boolean;
  /** One plane after the other, instead of pixel by pixel. */
  isPlanar: boolean;
  isLittleEndian: boolean;
  /** Bits of a byte run from the lowest (FillOrder 2). */
  isReversed: boolean;
  compression: number;
  predictor: number;
  photometric: number;
  /** Bytes, by block. */
  offsets: number[];
  byteCounts: number[];
}

const FORMAT = 'GeoTIFF';
/** PhotometricInterpretation. */
export const PHOTOMETRIC = { whiteIsZero: 0, rgb: 2, palette: 3, cmyk: 5, yCbCr: 6, cieLab: 8 } as const;

/**
 * Maximum ratio of decoded to compressed bytes: DEFLATE reaches 1,032, LZW and JPEG of constant images about as much.
 * Compressions without such a bound (LERC, Zstandard) are held by `MAX_BLOCK` alone.
 */
const MAX_RATIO: Record<number, number> = { 1: 1, 5: 2048, 7: 2048, 8: 1100, 32773: 128, 32946: 1100 };
/** Maximum size of a decoded block, in bytes. */
const MAX_BLOCK = 2 ** 30;
/** Approximate size in bytes of the parts in which uncompressed strips are read. */
const STRIP_PART = 2 ** 18;

/** Samples of a pixel in one block. */
export const samplesInBlock = ({ bands, isPlanar }: TiffLayout) => (isPlanar ? 1 : bands);

/** Rows are filled up to whole bytes. */
export const rowBytes = (layout: TiffLayout) =>
  Math.ceil((layout.blockWidth * samplesInBlock(layout) * layout.bits) / 8);

export const fullBlock = (layout: TiffLayout) => rowBytes(layout) * layout.blockHeight;

const TILE_TAGS = [TAG.TileWidth, TAG.TileLength, TAG.TileOffsets, TAG.TileByteCounts];
const STRIP_TAGS = [TAG.StripOffsets, TAG.StripByteCounts];

/** @throws FormatError if the header contradicts itself or the file, or the layout is not supported. */
export async function readLayout(tags: TiffDirectory): Promise<TiffLayout> {
  const { source } = tags;
  const isTiled = TILE_TAGS.some((tag) => tags.has(tag));
  if (isTiled && STRIP_TAGS.some((tag) => tags.has(tag))) throw source.damage('strips or tiles', 'tags of both');
  const one = async (tag: number, otherwise: number) => (await tags.number(tag)) ?? otherwise;
  const width = await one(TAG.ImageWidth, 0);
  const height = await one(TAG.ImageLength, 0);
  const bands = await one(TAG.SamplesPerPixel, 1);
  const [blockWidth, blockHeight] = isTiled
    ? [await one(TAG.TileWidth, 0), await one(TAG.TileLength, 0)]
    : [width, Math.min((await one(TAG.RowsPerStrip, height)) || height, height)];
  const sizes = [width, height, blockWidth, blockHeight, bands];
  if (!sizes.every((each) => Number.isInteger(each) && each > 0)) {
    const found = `${width} × ${height} pixels, ${bands} bands, blocks of ${blockWidth} × ${blockHeight}`;
    throw source.damage('positive sizes in the header', found);
  }
  const compression = await one(TAG.Compression, COMPRESSION.none);
  const predictor = hasPredictor(compression) ? await one(TAG.Predictor, 1) : 1;
  const sample = await sampleType(tags, bands);
  const layout: TiffLayout = {
    ...{ width, height, bands, blockWidth, blockHeight, isTiled, compression, predictor, ...sample },
    isPlanar: bands > 1 && (await one(TAG.PlanarConfiguration, 1)) === 2,
    isLittleEndian: source.isLittleEndian,
    isReversed: compression !== COMPRESSION.jpeg && (await one(TAG.FillOrder, 1)) === 2,
    photometric: await one(TAG.Photometric, 1),
    ...{ offsets: [], byteCounts: [] },
  };
  requireReadable(layout, source.file);
  await locateBlocks(layout, tags);
  requireBlocks(layout, source.size, source.file);
  splitLongStrips(layout);
  return layout;
}

/** Bits and format of all samples. */
async function sampleType(tags: TiffDirectory, bands: number): Promise<{ bits: number; format: number }> {
  const { file } = tags.source;
  const all = (await tags.numbers(TAG.BitsPerSample, bands)) ?? [1];
  const formats = (await tags.numbers(TAG.SampleFormat, bands)) ?? [1];
  const bits = all[0]!;
  if (all.some((each) => each !== bits) || formats.some((each) => each !== formats[0])) {
    const found = `bands of several sample types (${all.join(', ')} bits)`;
    throw unsupported(file, FORMAT, found, gdalTranslate(file, '-ot Float32'));
  }
  if (!(bits >= 1 && bits <= 64)) {
    if (bits === 128) return { bits, format: formats[0]! };
    throw tags.source.damage('1 to 64 bits in a sample', `${bits}`);
  }
  return { bits, format: formats[0] === 4 ? 1 : formats[0]! }; // 4: unspecified
}

/** Refuses layouts that are valid TIFF but not supported. */
function requireReadable(layout: TiffLayout, file: string): void {
  const { format, bits, predictor, photometric, compression } = layout;
  const refuse = (found: string, line: string) => {
    throw unsupported(file, FORMAT, found, line);
  };
  if (format === 5 || format === 6) {
    refuse('complex samples', `gdal_translate DERIVED_SUBDATASET:AMPLITUDE:${file} OUT.tif`);
  }
  const isKnown = format === 3 ? [16, 24, 32, 64].includes(bits) : format === 2 ? bits % 8 === 0 : format === 1;
  if (!isKnown || (bits > 32 && bits !== 64) || (format === 2 && ![8, 16, 32, 64].includes(bits))) {
    refuse(`samples of ${bits} bits and format ${format}`, gdalTranslate(file, '-ot Float32'));
  }
  if (!isSupported(compression)) {
    refuse(`compression ${compressionName(compression)}`, gdalTranslate(file, '-co COMPRESS=DEFLATE'));
  }
  if (predictor !== 1 && !isPredictor(predictor, bits, format)) {
    refuse(`predictor ${predictor} for ${bits} bits`, gdalTranslate(file, '-co COMPRESS=DEFLATE'));
  }
  if (photometric === PHOTOMETRIC.yCbCr && compression !== COMPRESSION.jpeg) {
    refuse('YCbCr colours without JPEG compression', gdalTranslate(file, '-co COMPRESS=DEFLATE -co PHOTOMETRIC=RGB'));
  }
  if (photometric === PHOTOMETRIC.yCbCr && layout.isPlanar) {
    refuse('YCbCr colours in planes', gdalTranslate(file, '-co COMPRESS=DEFLATE -co PHOTOMETRIC=RGB'));
  }
  if (photometric === PHOTOMETRIC.yCbCr && layout.bands < 3) {
    throw damaged(file, FORMAT, '3 bands of YCbCr colours', `${layout.bands}`);
  }
  if (compression === COMPRESSION.jpeg && bits !== 8) {
    refuse(`JPEG compression of ${bits} bits`, gdalTranslate(file, '-co COMPRESS=DEFLATE'));
  }
}

/** Predictor 2 takes differences of whole samples, 3 of the bytes of floats (TIFF Technical Note 3). */
const isPredictor = (predictor: number, bits: number, format: number) =>
  predictor === 2 ? [8, 16, 32, 64].includes(bits) : predictor === 3 && format === 3;

/** Reads offsets and lengths of the blocks; a missing length extends to the next block, as in libtiff. */
async function locateBlocks(layout: TiffLayout, tags: TiffDirectory): Promise<void> {
  const [offsets, counts] = layout.isTiled
    ? [TAG.TileOffsets, TAG.TileByteCounts]
    : [TAG.StripOffsets, TAG.StripByteCounts];
  const wanted = blockCount(layout);
  layout.offsets = (await tags.sizes(offsets, wanted)) ?? [];
  const given = await tags.sizes(counts, wanted);
  const isLone = wanted === 1 && given?.[0] === 0 && layout.offsets[0] !== 0; // else 0 is a block of a sparse file
  layout.byteCounts = given && !isLone ? given : estimatedCounts(layout, tags.source.size);
}

const blockCount = ({ width, height, bands, blockWidth, blockHeight, isPlanar }: TiffLayout) =>
  Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (isPlanar ? bands : 1);

function estimatedCounts(layout: TiffLayout, size: number): number[] {
  const { offsets, compression } = layout;
  if (compression === COMPRESSION.none) return offsets.map((_, i) => rowsOf(layout, i) * rowBytes(layout));
  const ends = [...offsets, size].sort((a, b) => a - b);
  return offsets.map((offset) => (offset === 0 ? 0 : ends.find((each) => each > offset)! - offset));
}

/**
 * @param size of the file in bytes. @throws FormatError where a block is missing, lies outside, or cannot hold its
 * pixels.
 */
function requireBlocks(layout: TiffLayout, size: number, file: string): void {
  const { width, height, blockWidth, blockHeight, isTiled, offsets, byteCounts } = layout;
  const fail = (expected: string, found: string) => damaged(file, FORMAT, expected, found);
  const name = isTiled ? 'tile' : 'strip';
  const wanted = blockCount(layout);
  if (offsets.length < wanted || byteCounts.length < wanted) {
    const found = `${Math.min(offsets.length, byteCounts.length)}`;
    throw fail(`${wanted} ${name}s for ${width} × ${height} pixels`, found);
  }
  if (fullBlock(layout) > MAX_BLOCK && (isTiled || layout.compression !== COMPRESSION.none)) {
    const found = `${name}s of ${blockWidth} × ${blockHeight} pixels (more than ${MAX_BLOCK} bytes)`;
    throw unsupported(file, FORMAT, found, gdalTranslate(file, '-co TILED=YES -co COMPRESS=DEFLATE'));
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

/** Rows in a block: the last strip holds those that are left; tiles are always full. */
export function rowsOf({ height, blockHeight, isTiled }: TiffLayout, block: number): number {
  if (isTiled) return blockHeight;
  const strips = Math.ceil(height / blockHeight);
  return block % strips === strips - 1 ? height - (strips - 1) * blockHeight : blockHeight;
}

/**
 * Some files are one strip as a whole. Without compression any rows of it can be read alone, so that the strip is
 * declared to be several: a window then costs its rows, not the scene.
 */
function splitLongStrips(layout: TiffLayout): void {
  const { isTiled, compression, height, blockHeight, bands, isPlanar, offsets, byteCounts } = layout;
  const row = rowBytes(layout);
  if (isTiled || compression !== COMPRESSION.none || row * blockHeight <= STRIP_PART) return;
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
}

/** Largest divisor of n up to `limit`; with a single strip any number is allowed. */
function largestDivisor(n: number, limit: number, isAlone: boolean): number {
  let rows = limit;
  while (!isAlone && n % rows !== 0) rows--;
  return rows;
}
