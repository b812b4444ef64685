/**
 * Decoded blocks (tiles, strips) of raster files, kept in memory up to a limit; the least recently used leave first.
 * Samples are kept in the narrowest type that holds them: a byte for 8-bit images, whatever the compression.
 */
import type { Raster } from './raster.ts';

/** Decoded block of the chosen bands. */
export interface Block {
  readonly width: number;
  /** [height, width, bands] */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  /** [height, width]: 1 where a pixel is missing; absent where none is. */
  readonly noData?: Uint8Array;
}

const MAX_BYTES = 512 * 2 ** 20;

export class BlockCache {
  private readonly maxBytes: number;
  /** Kept blocks, from the least to the most recently used. */
  private readonly blocks = new Map<number, Block>();
  private readonly underWay = new Map<number, Promise<Block>>();
  private bytes = 0;
  private files = 0;

  constructor({ maxBytes = MAX_BYTES }: { maxBytes?: number } = {}) {
    this.maxBytes = maxBytes;
  }

  /** Bytes of the blocks that are kept. */
  get size(): number {
    return this.bytes;
  }

  /** First key of a file that has at most `count` blocks. */
  reserve(count: number): number {
    const first = this.files;
    this.files += count;
    return first;
  }

  /** Block that is kept; undefined if it must be loaded. */
  kept(key: number): Block | undefined {
    const block = this.blocks.get(key);
    if (!block) return undefined;
    this.blocks.delete(key);
    this.blocks.set(key, block);
    return block;
  }

  /** Loads a block, once for all that ask for it meanwhile, and keeps it unless it is larger than the limit. */
  async load(key: number, decode: () => Promise<Raster>): Promise<Block> {
    const begun = this.underWay.get(key);
    if (begun) return begun;
    const block = decode().then(packed);
    this.underWay.set(key, block);
    try {
      this.keep(key, await block);
      return await block;
    } finally {
      this.underWay.delete(key);
    }
  }

  private keep(key: number, block: Block): void {
    const bytes = bytesOf(block);
    if (bytes > this.maxBytes) return;
    this.blocks.set(key, block);
    this.bytes += bytes;
    for (const [oldest, { data, noData }] of this.blocks) {
      if (this.bytes <= this.maxBytes) break;
      this.blocks.delete(oldest);
      this.bytes -= data.byteLength + (noData?.byteLength ?? 0);
    }
  }
}

const bytesOf = ({ data, noData }: Block) => data.byteLength + (noData?.byteLength ?? 0);

/** Block in the narrowest type that holds all valid samples; missing ones are 0 in it, or NaN in floats. */
function packed({ data, width, bands, noData }: Raster): Block {
  const highest = highestWhole(data, bands, noData);
  const mask = noData && { noData };
  if (highest >= 2 ** 16) return { width, data: withNaN(data, bands, noData), ...mask };
  const narrow = highest < 2 ** 8 ? new Uint8Array(data.length) : new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) narrow[i] = data[i]!; // NaN becomes 0
  return { width, data: narrow, ...mask };
}

/** Highest valid sample where all are whole numbers from 0; else infinity. */
function highestWhole(data: Float32Array, bands: number, noData: Uint8Array | undefined): number {
  let highest = 0;
  for (let i = 0; i < data.length; i++) {
    if (noData?.[Math.floor(i / bands)]) continue;
    const sample = data[i]!;
    if (!(sample >= 0) || sample !== Math.floor(sample) || Object.is(sample, -0)) return Number.POSITIVE_INFINITY;
    if (sample > highest) highest = sample;
  }
  return highest;
}

function withNaN(data: Float32Array, bands: number, noData: Uint8Array | undefined): Float32Array {
  if (noData) for (let i = 0; i < data.length; i++) if (noData[Math.floor(i / bands)]) data[i] = Number.NaN;
  return data;
}
