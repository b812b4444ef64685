/**
 * Reads many windows of one raster file. Blocks are decoded once and shared by a cache, so that a window costs no more
 * than copying its samples; it may reach beyond the file, where pixels are missing.
 */
import type { Block, BlockCache } from './block_cache.ts';
import type { RasterFile } from './open.ts';
import type { Raster, Unit } from './raster.ts';
import type { RasterWindow } from './window.ts';

export interface WindowSource {
  width: number;
  height: number;
  /** Bands to read, counted from 0. */
  bands: readonly number[];
  unit: Unit;
  /** Opens the file; called when the first block is decoded. */
  open(): Promise<RasterFile>;
}

/** Lower bound of the side lengths of cached blocks in pixels: smaller tiles and strips are joined. */
const MIN_BLOCK = 64;

/** Blocks of a file as they are cached: multiples of its own ones. */
interface Blocks {
  width: number;
  height: number;
  columns: number;
  /** Key of the first one in the cache. */
  first: number;
  /** True if the file is a single block: it is opened for decoding it, and not kept open. */
  isOne: boolean;
}

export class WindowReader {
  private readonly source: WindowSource;
  private readonly cache: BlockCache;
  private opening: Promise<{ file: RasterFile; blocks: Blocks }> | undefined;
  private blocks: Blocks | undefined;

  constructor(source: WindowSource, cache: BlockCache) {
    this.source = source;
    this.cache = cache;
  }

  /**
   * Samples of a window, the missing ones NaN.
   *
   * @throws FileError, FormatError where the file cannot be read.
   */
  async read(window: RasterWindow): Promise<Raster> {
    const { bands, unit } = this.source;
    const { width, height } = window;
    const whole: Target = { window, bands: bands.length, data: new Float32Array(width * height * bands.length) };
    const inside = this.inside(window);
    if (inside.width <= 0 || inside.height <= 0) hideAll(whole);
    else {
      if (inside.width < width || inside.height < height) hideAll(whole);
      const blocks = this.blocks ?? (await this.open()).blocks;
      for (const part of partsOf(inside, blocks)) {
        const key = blocks.first + part.index;
        const block = this.cache.kept(key) ?? (await this.cache.load(key, () => this.decode(part)));
        copy(block, part, whole);
      }
    }
    const { data, noData } = whole;
    return { data, width, height, bands: bands.length, unit, ...(noData?.includes(1) && { noData }) };
  }

  private inside({ column, row, width, height }: RasterWindow): RasterWindow {
    const [left, top] = [Math.max(0, column), Math.max(0, row)];
    const [right, bottom] = [Math.min(this.source.width, column + width), Math.min(this.source.height, row + height)];
    return { column: left, row: top, width: right - left, height: bottom - top };
  }

  private async open() {
    this.opening ??= this.source.open().then((file) => {
      this.blocks ??= blocksOf(file, this.cache);
      return { file, blocks: this.blocks };
    });
    const opened = this.opening;
    try {
      const { blocks } = await opened;
      if (blocks.isOne) this.opening = undefined;
      return await opened;
    } catch (error) {
      if (this.opening === opened) this.opening = undefined; // the file may be there the next time
      throw error;
    }
  }

  private async decode({ block }: Part): Promise<Raster> {
    const { file } = await this.open();
    const { column, row } = block;
    const [width, height] = [Math.min(block.width, file.width - column), Math.min(block.height, file.height - row)];
    return file.read({ column, row, width, height }, this.source.bands);
  }
}

function blocksOf({ width, height, block }: RasterFile, cache: BlockCache): Blocks {
  const joined = (side: number, end: number) => Math.min(Math.ceil(MIN_BLOCK / side) * side, end);
  const size = { width: joined(block.width, width), height: joined(block.height, height) };
  const [columns, rows] = [Math.ceil(width / size.width), Math.ceil(height / size.height)];
  return { ...size, columns, first: cache.reserve(columns * rows), isOne: columns * rows === 1 };
}

/** Part of a window that lies in one block. */
interface Part {
  index: number;
  /** Pixels of the file. */
  block: RasterWindow;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function* partsOf({ column, row, width, height }: RasterWindow, blocks: Blocks): Generator<Part> {
  const [right, bottom] = [column + width, row + height];
  for (let y = Math.floor(row / blocks.height); y * blocks.height < bottom; y++) {
    for (let x = Math.floor(column / blocks.width); x * blocks.width < right; x++) {
      const block = { column: x * blocks.width, row: y * blocks.height, width: blocks.width, height: blocks.height };
      yield {
        ...{ index: y * blocks.columns + x, block },
        ...{ left: Math.max(column, block.column), right: Math.min(right, block.column + block.width) },
        ...{ top: Math.max(row, block.row), bottom: Math.min(bottom, block.row + block.height) },
      };
    }
  }
}

interface Target {
  window: RasterWindow;
  bands: number;
  data: Float32Array;
  noData?: Uint8Array;
}

function hideAll(target: Target): void {
  target.data.fill(Number.NaN);
  target.noData = new Uint8Array(target.window.width * target.window.height).fill(1);
}

function copy({ data, width, noData }: Block, { block, left, top, right, bottom }: Part, target: Target): void {
  const { window, bands } = target;
  for (let row = top; row < bottom; row++) {
    const from = (row - block.row) * width + left - block.column;
    const to = (row - window.row) * window.width + left - window.column;
    target.data.set(data.subarray(from * bands, (from + right - left) * bands), to * bands);
    if (noData) hide(target, noData.subarray(from, from + right - left), to);
    else target.noData?.fill(0, to, to + right - left);
  }
}

/** Sets the mask of a run of pixels, and the samples of missing ones. */
function hide(target: Target, mask: Uint8Array, to: number): void {
  const { window, bands, data } = target;
  target.noData ??= new Uint8Array(window.width * window.height);
  target.noData.set(mask, to);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) data.fill(Number.NaN, (to + i) * bands, (to + i + 1) * bands);
  }
}
