/** Writes TIFF files for tests: what the library's own writer cannot (tiles, planes, big-endian, BigTIFF, compression). */
import { deflateSync } from 'node:zlib';

export type SampleType = 'uint8' | 'int16' | 'uint16' | 'float32' | 'float64';

export interface TiffOptions {
  width: number;
  height: number;
  bands?: number;
  type?: SampleType;
  /** Side of a tile; strips where it is absent. */
  tile?: number;
  rowsPerStrip?: number;
  isPlanar?: boolean;
  isBigEndian?: boolean;
  isBigTiff?: boolean;
  isDeflated?: boolean;
  /** More tags, or others in the place of the usual ones. */
  tags?: Record<number, Tag>;
  /** Of (row, column, band). */
  value: (row: number, column: number, band: number) => number;
}

/** A string is ASCII; `double` are doubles, else LONG (SHORT for the tags that want it). */
export type Tag = string | readonly number[] | { double: readonly number[] } | { short: readonly number[] };

const TYPES: Record<SampleType, { bytes: number; format: number; set: keyof DataView }> = {
  uint8: { bytes: 1, format: 1, set: 'setUint8' },
  int16: { bytes: 2, format: 2, set: 'setInt16' },
  uint16: { bytes: 2, format: 1, set: 'setUint16' },
  float32: { bytes: 4, format: 3, set: 'setFloat32' },
  float64: { bytes: 8, format: 3, set: 'setFloat64' },
};

export function tiffFile(options: TiffOptions): Uint8Array {
  const { width, height, bands = 1, type = 'uint8', tile, isPlanar = false, isDeflated = false } = options;
  const { isBigEndian = false, isBigTiff = false, tags = {} } = options;
  const rows = options.rowsPerStrip ?? height;
  const [blockWidth, blockHeight] = tile ? [tile, tile] : [width, rows];
  const blocks: Uint8Array[] = [];
  for (let plane = 0; plane < (isPlanar ? bands : 1); plane++) {
    for (let top = 0; top < height; top += blockHeight) {
      for (let left = 0; left < width; left += blockWidth) {
        const block = encodeBlock(options, { top, left, plane, blockWidth, blockHeight });
        blocks.push(isDeflated ? new Uint8Array(deflateSync(block)) : block);
      }
    }
  }
  const { bytes, format } = TYPES[type];
  const short = (...values: number[]) => ({ short: values });
  const each = (value: number) => short(...new Array<number>(bands).fill(value));
  const headerSize = isBigTiff ? 16 : 8;
  const offsets: number[] = [];
  let at = headerSize;
  for (const block of blocks) {
    offsets.push(at);
    at += block.length + (block.length % 2);
  }
  const directory: Record<number, Tag> = {
    ...{ 256: [width], 257: [height], 258: each(bytes * 8), 259: short(isDeflated ? 8 : 1) },
    ...{ 262: short(bands === 3 ? 2 : 1), 277: short(bands), 284: short(isPlanar ? 2 : 1), 339: each(format) },
    ...(tile
      ? { 322: [tile], 323: [tile], 324: offsets, 325: blocks.map(({ length }) => length) }
      : { 273: offsets, 278: [rows], 279: blocks.map(({ length }) => length) }),
    ...tags,
  };
  const tail = encodeDirectory(directory, at, isBigEndian, isBigTiff);
  const file = new Uint8Array(at + tail.length);
  const view = new DataView(file.buffer);
  file.set(isBigEndian ? [0x4d, 0x4d] : [0x49, 0x49]);
  view.setUint16(2, isBigTiff ? 43 : 42, !isBigEndian);
  if (isBigTiff) {
    view.setUint16(4, 8, !isBigEndian);
    view.setBigUint64(8, BigInt(at), !isBigEndian);
  } else view.setUint32(4, at, !isBigEndian);
  for (const [i, block] of blocks.entries()) file.set(block, offsets[i]!);
  file.set(tail, at);
  return file;
}

interface Block {
  top: number;
  left: number;
  plane: number;
  blockWidth: number;
  blockHeight: number;
}

function encodeBlock(options: TiffOptions, { top, left, plane, blockWidth, blockHeight }: Block): Uint8Array {
  const { width, height, bands = 1, type = 'uint8', tile, isPlanar, isBigEndian, value } = options;
  const { bytes, set } = TYPES[type];
  const rows = tile ? blockHeight : Math.min(blockHeight, height - top);
  const planes = isPlanar ? [plane] : Array.from({ length: bands }, (_, band) => band);
  const block = new Uint8Array(rows * blockWidth * planes.length * bytes);
  const view = new DataView(block.buffer);
  let at = 0;
  for (let row = top; row < top + rows; row++) {
    for (let column = left; column < left + blockWidth; column++) {
      for (const band of planes) {
        const sample = row < height && column < width ? value(row, column, band) : 0;
        (view[set] as (at: number, value: number, isLittle: boolean) => void).call(view, at, sample, !isBigEndian);
        at += bytes;
      }
    }
  }
  return block;
}

function encodeDirectory(tags: Record<number, Tag>, start: number, isBigEndian: boolean, isBigTiff: boolean) {
  const entries = Object.entries(tags).sort(([a], [b]) => Number(a) - Number(b));
  const [countSize, entrySize, inline, next] = isBigTiff ? [8, 20, 8, 8] : [2, 12, 4, 4];
  const values = entries.map(([, tag]) => encodeValue(tag, !isBigEndian));
  const headSize = countSize + entries.length * entrySize + next;
  const extra = values.reduce((sum, { bytes }) => sum + (bytes.length > inline ? bytes.length : 0), 0);
  const out = new Uint8Array(headSize + extra);
  const view = new DataView(out.buffer);
  const little = !isBigEndian;
  const setSize = (at: number, value: number) =>
    isBigTiff ? view.setBigUint64(at, BigInt(value), little) : view.setUint32(at, value, little);
  if (isBigTiff) view.setBigUint64(0, BigInt(entries.length), little);
  else view.setUint16(0, entries.length, little);
  let after = headSize;
  entries.forEach(([code], i) => {
    const at = countSize + i * entrySize;
    const { type, count, bytes } = values[i]!;
    view.setUint16(at, Number(code), little);
    view.setUint16(at + 2, type, little);
    setSize(at + 4, count);
    const field = at + (isBigTiff ? 12 : 8);
    if (bytes.length <= inline) out.set(bytes, field);
    else {
      setSize(field, start + after);
      out.set(bytes, after);
      after += bytes.length;
    }
  });
  return out;
}

function encodeValue(tag: Tag, little: boolean): { type: number; count: number; bytes: Uint8Array } {
  if (typeof tag === 'string') {
    const bytes = new TextEncoder().encode(`${tag}\0`);
    return { type: 2, count: bytes.length, bytes };
  }
  const [type, size, numbers] =
    'double' in tag
      ? ([12, 8, tag.double] as const)
      : 'short' in tag
        ? ([3, 2, tag.short] as const)
        : ([4, 4, tag] as const);
  const bytes = new Uint8Array(numbers.length * size);
  const view = new DataView(bytes.buffer);
  numbers.forEach((value, i) => {
    if (type === 12) view.setFloat64(i * 8, value, little);
    else if (type === 3) view.setUint16(i * 2, value, little);
    else view.setUint32(i * 4, value, little);
  });
  return { type, count: numbers.length, bytes };
}

/** Tags of a GeoTIFF in UTM zone 11 north. @param isPoint whether the tie point is the centre of a pixel. */
export function geoTags(x: number, y: number, pixel: number, isPoint = false): Record<number, Tag> {
  return {
    33550: { double: [pixel, pixel, 0] },
    33922: { double: [0, 0, 0, x, y, 0] },
    34735: { short: [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, isPoint ? 2 : 1, 3072, 0, 1, 32611] },
  };
}
