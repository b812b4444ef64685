/**
 * An image in a TIFF, read by window: only the tiles or strips that a window touches are fetched, one at a time.
 */
import { type BlockShape, decodeBlock } from './tiff_compression.ts';
import { TAG, type TiffBytes, type TiffDirectory } from './tiff_directory.ts';
import { fullBlock, PHOTOMETRIC, readLayout, rowsOf, samplesInBlock, type TiffLayout } from './tiff_layout.ts';
import { reverseBits, type StoredSamples, samplesOf } from './tiff_samples.ts';
import type { RasterWindow } from './window.ts';

/** Takes a sample as stored: pixel of the window, index of the chosen band, value. */
export type TakeSample = (pixel: number, k: number, value: number) => void;

export interface TiffImage {
  layout: TiffLayout;
  tags: TiffDirectory;
  /** Alpha bands, by ExtraSamples. */
  alphas: number[];
  /** Passes every sample of the window to `take`; calls `absent` for blocks that were never written. */
  read(window: RasterWindow, bands: readonly number[], take: TakeSample, absent: Absent): Promise<void>;
  /** Copies the samples of the window, as stored: [height, width, bands]; much faster than one by one. */
  copy(window: RasterWindow, bands: readonly number[], to: Float32Array, absent: Absent): Promise<void>;
}

type Absent = (pixel: number, k: number) => void;

/** @throws FormatError if the directory is damaged, or the image is not supported. */
export async function openTiffImage(tags: TiffDirectory): Promise<TiffImage> {
  const layout = await readLayout(tags);
  const alphas = await alphaBands(tags, layout);
  const shape: Omit<BlockShape, 'height'> = {
    width: layout.blockWidth,
    samples: samplesInBlock(layout),
    limit: fullBlock(layout),
    isFloat: layout.format === 3,
    hasAlpha: !layout.isPlanar && alphas.includes(layout.bands - 1),
    isYCbCr: layout.photometric === PHOTOMETRIC.yCbCr,
    jpegTables: await tags.bytes(TAG.JpegTables),
    lercParameters: await tags.numbers(TAG.LercParameters, 2),
  };
  return {
    ...{ layout, tags, alphas },
    async read(window, bands, take, absent) {
      for (const part of blocksOf(window, layout, bands)) {
        const samples = await readBlock(tags.source, layout, part.block, shape);
        if (samples) takeAll(samples, part, layout, window, take);
        else takeAll(undefined, part, layout, window, absent);
      }
    },
    async copy(window, bands, to, absent) {
      for (const part of blocksOf(window, layout, bands)) {
        const samples = await readBlock(tags.source, layout, part.block, shape);
        if (samples) copyAll(samples, part, layout, window, to, bands.length);
        else takeAll(undefined, part, layout, window, absent);
      }
    },
  };
}

/** Bands that ExtraSamples calls alpha, associated (1) or not (2); it describes the last bands. */
async function alphaBands(tags: TiffDirectory, { bands }: TiffLayout): Promise<number[]> {
  const extra = (await tags.numbers(TAG.ExtraSamples, bands)) ?? [];
  return extra.flatMap((kind, i) => {
    const band = bands - extra.length + i;
    return (kind === 1 || kind === 2) && band > 0 ? [band] : [];
  });
}

interface BlockPart {
  /** Index in the lists of offsets. */
  block: number;
  /** Upper left pixel of the block. */
  left: number;
  top: number;
  /** Chosen bands that it holds: their place in the choice, and in a pixel of the block. */
  bands: { k: number; sample: number }[];
}

function* blocksOf(window: RasterWindow, layout: TiffLayout, chosen: readonly number[]): Generator<BlockPart> {
  const { blockWidth, blockHeight, width, height, isPlanar } = layout;
  const columns = Math.ceil(width / blockWidth);
  const plane = columns * Math.ceil(height / blockHeight);
  const groups = isPlanar
    ? chosen.map((band, k) => ({ first: band * plane, bands: [{ k, sample: 0 }] }))
    : [{ first: 0, bands: chosen.map((sample, k) => ({ k, sample })) }];
  for (const { first, bands } of groups) {
    for (let y = Math.floor(window.row / blockHeight); y * blockHeight < window.row + window.height; y++) {
      for (let x = Math.floor(window.column / blockWidth); x * blockWidth < window.column + window.width; x++) {
        yield { block: first + y * columns + x, left: x * blockWidth, top: y * blockHeight, bands };
      }
    }
  }
}

/** Undefined where a sparse file leaves the block out. */
async function readBlock(
  source: TiffBytes,
  layout: TiffLayout,
  block: number,
  shape: Omit<BlockShape, 'height'>,
): Promise<StoredSamples | undefined> {
  const [offset, count] = [layout.offsets[block]!, layout.byteCounts[block]!];
  if (count === 0) return undefined;
  const raw = await source.read(offset, count, `block ${block}`);
  const rows = rowsOf(layout, block);
  const ordered = layout.isReversed ? reverseBits(raw) : raw;
  return samplesOf(
    await decodeBlock(layout.compression, ordered, {
      ...shape,
      height: layout.blockHeight,
    }),
    rows,
    layout,
  );
}

/** Passes on the samples that lie in both block and window. */
function takeAll(
  samples: StoredSamples | undefined,
  { left, top, bands }: BlockPart,
  layout: TiffLayout,
  window: RasterWindow,
  take: TakeSample,
): void {
  const step = samplesInBlock(layout);
  const { blockWidth } = layout;
  const common = commonPart(window, left, top, layout);
  for (let row = common.top; row < common.bottom; row++) {
    for (let column = common.left; column < common.right; column++) {
      const pixel = (row - window.row) * window.width + column - window.column;
      const at = ((row - top) * blockWidth + column - left) * step;
      for (const { k, sample } of bands) take(pixel, k, samples ? Number(samples[at + sample]) : 0);
    }
  }
}

/** Copies the samples that lie in both block and window, row by row. @param count bands of the window. */
function copyAll(
  samples: StoredSamples,
  { left, top, bands }: BlockPart,
  layout: TiffLayout,
  window: RasterWindow,
  to: Float32Array,
  count: number,
): void {
  const step = samplesInBlock(layout);
  const common = commonPart(window, left, top, layout);
  const pixels = common.right - common.left;
  const isAll = bands.length === step && count === step && bands.every(({ k, sample }) => k === sample);
  for (let row = common.top; row < common.bottom; row++) {
    const at = ((row - top) * layout.blockWidth + common.left - left) * step;
    const start = ((row - window.row) * window.width + common.left - window.column) * count;
    if (isAll && !isBig(samples)) to.set(samples.subarray(at, at + pixels * step), start);
    else for (const { k, sample } of bands) copyBand(samples, at + sample, step, to, start + k, count, pixels);
  }
}

function copyBand(
  from: StoredSamples,
  at: number,
  step: number,
  to: Float32Array,
  start: number,
  count: number,
  pixels: number,
): void {
  for (let i = 0; i < pixels; i++) to[start + i * count] = Number(from[at + i * step]);
}

const isBig = (samples: StoredSamples): samples is BigUint64Array | BigInt64Array =>
  samples instanceof BigUint64Array || samples instanceof BigInt64Array;

/** Pixels that lie in both window and block. */
function commonPart(window: RasterWindow, left: number, top: number, { blockWidth, blockHeight }: TiffLayout) {
  return {
    ...{ left: Math.max(window.column, left), right: Math.min(window.column + window.width, left + blockWidth) },
    ...{ top: Math.max(window.row, top), bottom: Math.min(window.row + window.height, top + blockHeight) },
  };
}
