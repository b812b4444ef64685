/**
 * The directories (IFDs) of a TIFF: tags with their values, read by byte ranges. Every count is checked against the
 * size of the file before memory is allocated, and the chain of directories is checked for loops.
 *
 * TIFF 6.0, section 2; BigTIFF as in libtiff.
 */
import type { Store } from '../store.ts';
import { damaged } from './raster_file.ts';

/** Tags by their number, named as in TIFF 6.0, GeoTIFF 1.1 and by GDAL. */
export const TAG = {
  ...{ NewSubfileType: 254, SubfileType: 255, ImageWidth: 256, ImageLength: 257, BitsPerSample: 258, Compression: 259 },
  ...{ Photometric: 262, FillOrder: 266, StripOffsets: 273, Orientation: 274, SamplesPerPixel: 277, RowsPerStrip: 278 },
  ...{
    StripByteCounts: 279,
    PlanarConfiguration: 284,
    DateTime: 306,
    Predictor: 317,
    ColorMap: 320,
    TileWidth: 322,
    TileLength: 323,
  },
  ...{ TileOffsets: 324, TileByteCounts: 325, ExtraSamples: 338, SampleFormat: 339, JpegTables: 347 },
  ...{ ModelPixelScale: 33550, ModelTiepoint: 33922, ModelTransformation: 34264, GeoKeyDirectory: 34735 },
  ...{ GeoDoubleParams: 34736, GeoAsciiParams: 34737, GdalMetadata: 42112, GdalNoData: 42113, RpcCoefficients: 50844 },
  LercParameters: 50674,
} as const;

interface Entry {
  type: number;
  count: number;
  /** Bytes of the value in the file. */
  offset: number;
}

/** Bytes of one value, by type code. */
const TYPE_BYTES: Record<number, number> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8 },
};

/** Maximum number of directories read: image, overviews, their masks, further images. */
const MAX_DIRECTORIES = 256;
const MAX_ENTRIES = 4096;

/** @throws FormatError where the first directory is damaged; a damaged one behind it ends the list. */
export async function readDirectories(store: Store, file: string): Promise<TiffDirectory[]> {
  const source = await TiffBytes.open(store, file);
  const directories: TiffDirectory[] = [];
  const seen = new Set<number>();
  let at = source.firstDirectory;
  while (at !== 0 && !seen.has(at) && directories.length < MAX_DIRECTORIES) {
    seen.add(at);
    try {
      const { directory, next } = await readDirectory(source, at);
      directories.push(directory);
      at = next;
    } catch (error) {
      if (directories.length === 0) throw error;
      break;
    }
  }
  if (directories.length === 0) throw source.damage('a directory of tags', 'none');
  return directories;
}

/** A TIFF file as bytes in its byte order. */
export class TiffBytes {
  readonly file: string;
  readonly size: number;
  readonly isLittleEndian: boolean;
  readonly isBig: boolean;
  readonly firstDirectory: number;
  private readonly store: Store;

  private constructor(store: Store, file: string, size: number, head: Uint8Array) {
    const view = viewOf(head);
    const little = head[0] === 0x49;
    const isBig = head.length >= 4 && view.getUint16(2, little) === 43;
    if (head.length < (isBig ? 16 : 8)) throw damaged(file, 'GeoTIFF', 'a header of 8 or 16 bytes', `${head.length}`);
    this.file = file;
    this.size = size;
    this.isLittleEndian = little;
    this.isBig = isBig;
    this.firstDirectory = isBig ? Number(view.getBigUint64(8, little)) : view.getUint32(4, little);
    this.store = store;
  }

  static async open(store: Store, file: string): Promise<TiffBytes> {
    const size = (await store.stat(file))?.size ?? 0;
    return new TiffBytes(store, file, size, await store.readRange(file, 0, 16));
  }

  /** @throws FormatError where the range leaves the file. */
  async read(offset: number, length: number, what: string): Promise<Uint8Array> {
    if (!(offset >= 0 && offset + length <= this.size)) {
      throw this.damage(`${what} within the ${this.size} bytes of the file`, `bytes ${offset} to ${offset + length}`);
    }
    const bytes = await this.store.readRange(this.file, offset, length);
    // A plain array, also of Node's Buffer, whose slices are no copies.
    if (bytes.length === length) return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
    throw this.damage(`${length} bytes of ${what}`, `${bytes.length}`);
  }

  damage(expected: string, found: string) {
    return damaged(this.file, 'GeoTIFF', expected, found);
  }
}

async function readDirectory(source: TiffBytes, at: number): Promise<{ directory: TiffDirectory; next: number }> {
  const { isBig, isLittleEndian: little } = source;
  const [countBytes, entryBytes, inline, pointer] = isBig ? [8, 20, 8, 8] : [2, 12, 4, 4];
  const head = viewOf(await source.read(at, countBytes, 'a directory'));
  const count = isBig ? Number(head.getBigUint64(0, little)) : head.getUint16(0, little);
  if (count === 0 || count > MAX_ENTRIES) throw source.damage(`1 to ${MAX_ENTRIES} tags in a directory`, `${count}`);
  const start = at + countBytes;
  const end = start + count * entryBytes;
  const bytes = await source.read(start, Math.min(end + pointer, source.size) - start, 'the tags of a directory');
  const view = viewOf(bytes);
  if (bytes.length < count * entryBytes) throw source.damage(`${count} tags in a directory`, 'the end of the file');
  const size = (offset: number) => (isBig ? Number(view.getBigUint64(offset, little)) : view.getUint32(offset, little));
  const entries = new Map<number, Entry>();
  for (let i = 0; i < count; i++) {
    const entry = i * entryBytes;
    const [tag, type, values] = [view.getUint16(entry, little), view.getUint16(entry + 2, little), size(entry + 4)];
    const field = entry + (isBig ? 12 : 8);
    const length = (TYPE_BYTES[type] ?? 0) * values;
    if (!entries.has(tag))
      entries.set(tag, { type, count: values, offset: length <= inline ? start + field : size(field) });
  }
  // A file may end right behind the last tag, though a pointer to the next directory is due.
  const next = bytes.length >= count * entryBytes + pointer ? size(count * entryBytes) : 0;
  return { directory: new TiffDirectory(source, entries), next };
}

export class TiffDirectory {
  readonly source: TiffBytes;
  private readonly entries: ReadonlyMap<number, Entry>;

  constructor(source: TiffBytes, entries: ReadonlyMap<number, Entry>) {
    this.source = source;
    this.entries = entries;
  }

  has(tag: number): boolean {
    return this.entries.has(tag);
  }

  /** Offsets or byte counts. @throws FormatError if they are not integers of 16, 32 or 64 bits. */
  async sizes(tag: number, most: number): Promise<number[] | undefined> {
    const type = this.entries.get(tag)?.type;
    if (type === undefined || [3, 4, 16].includes(type)) return this.numbers(tag, most);
    throw this.source.damage(`integers in tag ${tag}`, `values of type ${type}`);
  }

  /** Numbers of a tag; undefined where it is absent. @param most maximum count that is read. */
  async numbers(tag: number, most = Number.POSITIVE_INFINITY): Promise<number[] | undefined> {
    const entry = this.entries.get(tag);
    if (!entry) return undefined;
    const read = READERS[entry.type];
    if (!read) throw this.source.damage(`numbers in tag ${tag}`, `values of type ${entry.type}`);
    const count = Math.min(entry.count, most);
    const size = TYPE_BYTES[entry.type]!;
    const view = viewOf(await this.source.read(entry.offset, count * size, `the values of tag ${tag}`));
    return Array.from({ length: count }, (_, i) => read(view, i * size, this.source.isLittleEndian));
  }

  async number(tag: number): Promise<number | undefined> {
    return (await this.numbers(tag, 1))?.[0];
  }

  /** Bytes of a tag of bytes or text; undefined where it is absent. */
  async bytes(tag: number): Promise<Uint8Array | undefined> {
    const entry = this.entries.get(tag);
    if (!entry) return undefined;
    if (TYPE_BYTES[entry.type] !== 1) throw this.source.damage(`bytes in tag ${tag}`, `values of type ${entry.type}`);
    return this.source.read(entry.offset, entry.count, `the values of tag ${tag}`);
  }

  /** Text of a tag up to its final zero. */
  async text(tag: number): Promise<string | undefined> {
    const bytes = await this.bytes(tag);
    return bytes && new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
  }
}

const signedRatio = (view: DataView, at: number, little: boolean) =>
  view.getInt32(at, little) / view.getInt32(at + 4, little);
const ratio = (view: DataView, at: number, little: boolean) =>
  view.getUint32(at, little) / view.getUint32(at + 4, little);

const READERS: Record<number, (view: DataView, at: number, little: boolean) => number> = {
  1: (view, at) => view.getUint8(at),
  3: (view, at, little) => view.getUint16(at, little),
  4: (view, at, little) => view.getUint32(at, little),
  5: ratio,
  6: (view, at) => view.getInt8(at),
  7: (view, at) => view.getUint8(at),
  8: (view, at, little) => view.getInt16(at, little),
  9: (view, at, little) => view.getInt32(at, little),
  10: signedRatio,
  11: (view, at, little) => view.getFloat32(at, little),
  12: (view, at, little) => view.getFloat64(at, little),
  13: (view, at, little) => view.getUint32(at, little),
  16: (view, at, little) => Number(view.getBigUint64(at, little)),
  17: (view, at, little) => Number(view.getBigInt64(at, little)),
  18: (view, at, little) => Number(view.getBigUint64(at, little)),
};

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
