/**
 * Writes Cloud Optimized GeoTIFFs tile by tile: directories first, then the overviews from the smallest on, then the
 * image, so that a viewer reads what it shows by a few ranges. Tiles are made in the order of a quadtree, each overview
 * from four tiles below it; a scratch file keeps them until the sizes of all are known.
 *
 * GDAL's description of the layout: https://gdal.org/drivers/raster/cog.html
 */
import { pause } from '../base/pause.ts';
import type { Watch } from '../base/watch.ts';
import type { FileWriter, Store } from '../store.ts';
import type { BandsFacts } from './gdal_metadata.ts';
import { writeGdalMetadata } from './gdal_metadata.ts';
import { TAG } from './tiff_directory.ts';
import { asciiTag, directorySize, encodeDirectory, encodeHeader, type TiffTag } from './tiff_encoder.ts';
import { encodeMask, encodeTile, predictorOf, STORED_TYPES, type StoredType, type Tile } from './tile_encoder.ts';
import type { RasterWindow } from './window.ts';

export interface CogImage {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly type: StoredType;
  /** Stored value of missing pixels; absent: a mask marks them. */
  readonly noData?: number | undefined;
  /** True if the first three bands are red, green and blue. */
  readonly isRgb?: boolean;
  /** Band metadata by band, counted from 0. */
  readonly facts?: BandsFacts;
  /** Items of metadata of the whole image. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Georeference. */
  readonly place: readonly TiffTag[];
  /** Overviews are means of valid pixels, or the nearest pixel; default: means. */
  readonly overviews?: 'average' | 'nearest';
}

/** Samples of a window: [height, width, bands], and 1 where a pixel is missing. */
export interface WindowSamples {
  readonly data: Float32Array;
  readonly missing?: Uint8Array | undefined;
}

/** Position of an encoded tile in the scratch file. */
interface Piece {
  offset: number;
  length: number;
}

interface Level {
  width: number;
  height: number;
  /** Tiles across and down. */
  columns: number;
  rows: number;
  tiles: Piece[];
  masks: Piece[];
}

/** Encoded tiles that wait to be written, at most. */
const MAX_WAITING = 4;

/**
 * Writes an image whose windows `render` makes; nothing lies at `path` before all is done.
 *
 * @throws what `render` throws, FileError where it cannot be written, and the signal's reason.
 */
export async function writeCog(
  store: Store,
  path: string,
  image: CogImage,
  render: (window: RasterWindow) => Promise<WindowSamples>,
  watch: Watch = {},
): Promise<void> {
  const scratch = await store.create(`${path}.tiles`);
  try {
    const pyramid = new Pyramid(image, render, scratch, watch);
    const levels = await pyramid.fill();
    await assemble(store, path, image, levels, pyramid.side, scratch, watch);
  } finally {
    await scratch.discard();
  }
}

/** Tile side in pixels: a tile of many bands is narrower, to bound the memory. */
function sideOf({ width, height, bands }: CogImage): number {
  const most = bands <= 8 ? 512 : bands <= 32 ? 256 : 128;
  return Math.min(most, Math.ceil(Math.max(width, height) / 16) * 16);
}

/** Makes the tiles of all levels and keeps them, encoded, in the scratch file. */
class Pyramid {
  readonly side: number;
  private readonly image: CogImage;
  private readonly render: (window: RasterWindow) => Promise<WindowSamples>;
  private readonly scratch: FileWriter;
  private readonly watch: Watch;
  private readonly levels: Level[];
  private length = 0;
  private done = 0;
  private readonly waiting: Promise<void>[] = [];

  constructor(
    image: CogImage,
    render: (window: RasterWindow) => Promise<WindowSamples>,
    scratch: FileWriter,
    watch: Watch,
  ) {
    this.image = image;
    this.render = render;
    this.scratch = scratch;
    this.watch = watch;
    this.side = sideOf(image);
    this.levels = levelsOf(image, this.side);
  }

  async fill(): Promise<Level[]> {
    try {
      await this.make(this.levels.length - 1, 0, 0);
    } finally {
      await Promise.allSettled(this.waiting); // the scratch file is closed next
    }
    await Promise.all(this.waiting);
    return this.levels;
  }

  /** Makes a tile, and before it those that it shows. */
  private async make(index: number, column: number, row: number): Promise<Tile> {
    const tile = index === 0 ? await this.rendered(column, row) : await this.reduced(index, column, row);
    await this.keep(tile, this.levels[index]!, column, row);
    return tile;
  }

  private async rendered(column: number, row: number): Promise<Tile> {
    const { side, image } = this;
    await pause(this.watch.signal);
    const [left, top] = [column * side, row * side];
    const [width, height] = [Math.min(side, image.width - left), Math.min(side, image.height - top)];
    const window = await this.render({ column: left, row: top, width, height });
    const { columns, rows } = this.levels[0]!;
    this.watch.onProgress?.(++this.done, columns * rows);
    return padded(window, width, height, side, image.bands);
  }

  private async reduced(index: number, column: number, row: number): Promise<Tile> {
    const { side, image } = this;
    const tile = emptyTile(side, image.bands);
    const below = this.levels[index - 1]!;
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      // biome-ignore format: the four quadrants
      const [x, y] = [2 * column + dx, 2 * row + dy];
      if (x >= below.columns || y >= below.rows) continue;
      const child = await this.make(index - 1, x, y);
      halve(child, tile, side, image.bands, (dy * side * side + dx * side) / 2, image.overviews ?? 'average');
    }
    return tile;
  }

  /** Encodes and writes while the next tile is made. */
  private async keep(tile: Tile, level: Level, column: number, row: number): Promise<void> {
    const { bands, type, noData } = this.image;
    const encoded = Promise.all([
      encodeTile(tile, this.side, bands, type, noData),
      noData === undefined ? encodeMask(tile) : undefined,
    ]);
    const before = this.waiting.at(-1);
    const written = encoded.then(async ([samples, mask]) => {
      await before;
      const index = row * level.columns + column;
      level.tiles[index] = await this.put(samples);
      if (mask) level.masks[index] = await this.put(mask);
    });
    written.catch(() => {}); // thrown where it is awaited
    this.waiting.push(written);
    while (this.waiting.length > MAX_WAITING) await this.waiting.shift();
  }

  private async put(bytes: Uint8Array): Promise<Piece> {
    const piece = { offset: this.length, length: bytes.length };
    this.length += bytes.length;
    await this.scratch.write(bytes);
    return piece;
  }
}

/** The image, then its overviews down to a single tile. */
function levelsOf(image: CogImage, side: number): Level[] {
  const levels: Level[] = [];
  for (let [width, height] = [image.width, image.height]; ; ) {
    const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
    levels.push({ width, height, columns, rows, tiles: [], masks: [] });
    if (columns * rows === 1) return levels;
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  }
}

const emptyTile = (side: number, bands: number): Tile => ({
  data: new Float32Array(side * side * bands),
  missing: new Uint8Array(side * side).fill(1),
});

/** Window as a full tile, missing beyond the image. */
function padded({ data, missing }: WindowSamples, width: number, height: number, side: number, bands: number): Tile {
  if (width === side && height === side) return { data, missing: missing ?? new Uint8Array(side * side) };
  const tile = emptyTile(side, bands);
  for (let row = 0; row < height; row++) {
    tile.data.set(data.subarray(row * width * bands, (row + 1) * width * bands), row * side * bands);
    const [from, to] = [row * width, row * side];
    if (missing) tile.missing.set(missing.subarray(from, from + width), to);
    else tile.missing.fill(0, to, to + width);
  }
  return tile;
}

/** Halves a tile into a quadrant of the next level. @param corner pixel of the quadrant. */
function halve(
  { data, missing }: Tile,
  to: Tile,
  side: number,
  bands: number,
  corner: number,
  how: 'average' | 'nearest',
): void {
  const parts = how === 'nearest' ? [0] : [0, 1, side, side + 1];
  for (let row = 0; row < side / 2; row++) {
    for (let column = 0; column < side / 2; column++) {
      const from = 2 * row * side + 2 * column;
      const pixel = corner + row * side + column;
      let count = 0;
      for (const part of parts) {
        if (missing[from + part]) continue;
        count++;
        for (let band = 0; band < bands; band++) to.data[pixel * bands + band]! += data[(from + part) * bands + band]!;
      }
      if (count === 0) continue;
      to.missing[pixel] = 0;
      for (let band = 0; band < bands; band++) to.data[pixel * bands + band]! /= count;
    }
  }
}

const SUBFILE = { reduced: 1, mask: 4 } as const;
const PHOTOMETRIC = { gray: 1, rgb: 2, mask: 4 } as const;
const DEFLATE = 8;

/** One directory of the file, with the tiles that it lists. */
interface Part {
  tags: TiffTag[];
  pieces: readonly Piece[];
  /** Positions of the tiles in the file. */
  offsets: number[];
}

async function assemble(
  store: Store,
  path: string,
  image: CogImage,
  levels: readonly Level[],
  side: number,
  scratch: FileWriter,
  { signal }: Watch,
): Promise<void> {
  const parts = levels.map((level, index) => partsOf(level, index, image, side));
  const pieces = [...inFile(parts)].map(({ piece }) => piece);
  const bytes = pieces.reduce((sum, { length }) => sum + LEADER + length + TRAILER, 0);
  const isBig = bytes + 64 * pieces.length + 2 ** 24 > 2 ** 32;
  const writer = await store.create(path);
  try {
    await writer.write(headOf(parts, isBig));
    for (const { offset, length } of pieces) {
      signal?.throwIfAborted();
      await writer.write(framed(await scratch.read(offset, length)));
    }
    await writer.finish();
  } finally {
    await writer.discard();
  }
}

/** Tiles in the order of the file: the smallest overview first, each tile before its mask. */
function* inFile(parts: readonly (readonly Part[])[]): Generator<{ part: Part; piece: Piece; index: number }> {
  for (const level of [...parts].reverse()) {
    for (const [index] of level[0]!.pieces.entries()) {
      for (const part of level) yield { part, piece: part.pieces[index]!, index };
    }
  }
}

/** Bytes around a tile: its size before it, its last four bytes again behind it. */
const [LEADER, TRAILER] = [4, 4];

function framed(tile: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LEADER + tile.length + TRAILER);
  new DataView(bytes.buffer).setUint32(0, tile.length, true);
  bytes.set(tile, LEADER);
  bytes.set(tile.subarray(-TRAILER), LEADER + tile.length);
  return bytes;
}

function partsOf(level: Level, index: number, image: CogImage, side: number): Part[] {
  const reduced = index === 0 ? 0 : SUBFILE.reduced;
  const layout = (tags: TiffTag[]): TiffTag[] => [
    ...tags,
    { tag: TAG.ImageWidth, type: 'long', values: [level.width] },
    { tag: TAG.ImageLength, type: 'long', values: [level.height] },
    { tag: TAG.Compression, type: 'short', values: [DEFLATE] },
    { tag: TAG.PlanarConfiguration, type: 'short', values: [1] },
    { tag: TAG.TileWidth, type: 'short', values: [side] },
    { tag: TAG.TileLength, type: 'short', values: [side] },
  ];
  const picture = { tags: layout(imageTags(image, reduced, index)), pieces: level.tiles, offsets: [] };
  if (image.noData !== undefined) return [picture];
  const mask = [...long(TAG.NewSubfileType, SUBFILE.mask | reduced), ...short(TAG.BitsPerSample, 1)];
  const rest = [...short(TAG.Photometric, PHOTOMETRIC.mask), ...short(TAG.SamplesPerPixel, 1)];
  return [picture, { tags: layout([...mask, ...rest]), pieces: level.masks, offsets: [] }];
}

const short = (tag: number, ...values: number[]): TiffTag[] => [{ tag, type: 'short', values }];
const long = (tag: number, ...values: number[]): TiffTag[] => [{ tag, type: 'long', values }];

function imageTags(image: CogImage, reduced: number, index: number): TiffTag[] {
  const { bands, type, noData, isRgb = false, facts = new Map(), metadata = {} } = image;
  const { bits, format } = STORED_TYPES[type];
  const colours = isRgb ? 3 : 1;
  const each = (value: number, count = bands) => new Array<number>(count).fill(value);
  const xml = index === 0 ? writeGdalMetadata(facts, metadata) : undefined;
  return [
    ...long(TAG.NewSubfileType, reduced),
    ...short(TAG.BitsPerSample, ...each(bits)),
    ...short(TAG.Photometric, isRgb ? PHOTOMETRIC.rgb : PHOTOMETRIC.gray),
    ...short(TAG.SamplesPerPixel, bands),
    ...short(TAG.Predictor, predictorOf(type)),
    ...(bands > colours ? short(TAG.ExtraSamples, ...each(0, bands - colours)) : []),
    ...short(TAG.SampleFormat, ...each(format)),
    ...(noData === undefined ? [] : [asciiTag(TAG.GdalNoData, Number.isNaN(noData) ? 'nan' : String(noData))]),
    ...(xml === undefined ? [] : [asciiTag(TAG.GdalMetadata, xml)]),
    ...(index === 0 ? image.place : []),
  ];
}

/** Statement by which GDAL knows the layout; the count of bytes that follow it has six digits. */
function structuralMetadata(hasMask: boolean): Uint8Array {
  const facts = [
    'LAYOUT=IFDS_BEFORE_DATA',
    'BLOCK_ORDER=ROW_MAJOR',
    'BLOCK_LEADER=SIZE_AS_UINT4',
    'BLOCK_TRAILER=LAST_4_BYTES_REPEATED',
    'KNOWN_INCOMPATIBLE_EDITION=NO',
  ];
  const text = `${facts.join('\n')}\n ${hasMask ? 'MASK_INTERLEAVED_WITH_IMAGERY=YES\n' : ''}`;
  const head = `GDAL_STRUCTURAL_METADATA_SIZE=${String(text.length).padStart(6, '0')} bytes\n`;
  return new TextEncoder().encode(head + text);
}

/** Header and directories, with the positions of all tiles behind them. */
function headOf(levels: readonly (readonly Part[])[], isBig: boolean): Uint8Array {
  const structure = structuralMetadata(levels[0]!.length > 1);
  const start = encodeHeader(0, isBig).length + structure.length;
  const first = start + (start % 2);
  const parts = levels.flat();
  const sizes = parts.map((part) => directorySize(tagsOf(part, isBig), isBig));
  const size = sizes.reduce((sum, each) => sum + each, first);
  locate(levels, size);
  const head = new Uint8Array(size);
  head.set(encodeHeader(first, isBig));
  head.set(structure, start - structure.length);
  let at = first;
  for (const [i, part] of parts.entries()) {
    const next = i === parts.length - 1 ? 0 : at + sizes[i]!;
    head.set(encodeDirectory(tagsOf(part, isBig), at, next, isBig), at);
    at += sizes[i]!;
  }
  return head;
}

function locate(parts: readonly (readonly Part[])[], from: number): void {
  let at = from;
  for (const { part, piece, index } of inFile(parts)) {
    part.offsets[index] = at + LEADER;
    at += LEADER + piece.length + TRAILER;
  }
}

function tagsOf({ tags, pieces, offsets }: Part, isBig: boolean): TiffTag[] {
  const counts = pieces.map(({ length }) => length);
  const known = offsets.length > 0 ? offsets : counts; // of the same number, for the size
  return [
    ...tags,
    { tag: TAG.TileOffsets, type: isBig ? 'long8' : 'long', values: known },
    { tag: TAG.TileByteCounts, type: 'long', values: counts },
  ];
}
