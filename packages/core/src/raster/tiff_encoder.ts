/**
 * Encodes directories (IFDs) of a TIFF: little endian, values behind their directory, classic or BigTIFF.
 *
 * TIFF 6.0, section 2; BigTIFF as in libtiff.
 */

/** Types of values, with their code and size in bytes. */
const TYPES = {
  byte: { code: 1, bytes: 1 },
  ascii: { code: 2, bytes: 1 },
  short: { code: 3, bytes: 2 },
  long: { code: 4, bytes: 4 },
  double: { code: 12, bytes: 8 },
  long8: { code: 16, bytes: 8 },
} as const;

export interface TiffTag {
  tag: number;
  type: keyof typeof TYPES;
  values: readonly number[];
}

/** Sizes of a directory: of its count, an entry, an offset. */
const CLASSIC = { count: 2, entry: 12, offset: 4 } as const;
const BIG = { count: 8, entry: 20, offset: 8 } as const;

export const asciiTag = (tag: number, text: string): TiffTag => ({
  ...{ tag, type: 'ascii' },
  values: [...new TextEncoder().encode(text), 0],
});

const bytesOf = ({ type, values }: TiffTag) => values.length * TYPES[type].bytes;
const even = (size: number) => size + (size % 2);

/** Bytes of a directory and the values behind it. */
export function directorySize(tags: readonly TiffTag[], isBig: boolean): number {
  const { count, entry, offset } = isBig ? BIG : CLASSIC;
  const outside = tags.map(bytesOf).filter((size) => size > offset);
  return even(count + tags.length * entry + offset + outside.reduce((sum, size) => sum + even(size), 0));
}

/** @param at position of the directory in the file. @param next position of the next one; 0 for none. */
export function encodeDirectory(tags: readonly TiffTag[], at: number, next: number, isBig: boolean): Uint8Array {
  const bytes = new Uint8Array(directorySize(tags, isBig));
  const view = new DataView(bytes.buffer);
  const { count, entry, offset } = isBig ? BIG : CLASSIC;
  const setSize = (to: number, value: number) =>
    isBig ? view.setBigUint64(to, BigInt(value), true) : view.setUint32(to, value, true);
  if (isBig) setSize(0, tags.length);
  else view.setUint16(0, tags.length, true);
  let free = count + tags.length * entry + offset;
  const sorted = [...tags].sort((a, b) => a.tag - b.tag);
  for (const [i, tag] of sorted.entries()) {
    const from = count + i * entry;
    view.setUint16(from, tag.tag, true);
    view.setUint16(from + 2, TYPES[tag.type].code, true);
    setSize(from + 4, tag.values.length);
    const field = from + entry - offset;
    const size = bytesOf(tag);
    setValues(view, size <= offset ? field : free, tag);
    if (size <= offset) continue;
    setSize(field, at + free);
    free += even(size);
  }
  setSize(count + tags.length * entry, next);
  return bytes;
}

function setValues(view: DataView, at: number, { type, values }: TiffTag): void {
  const { bytes } = TYPES[type];
  values.forEach((value, i) => {
    const to = at + i * bytes;
    if (type === 'double') view.setFloat64(to, value, true);
    else if (type === 'long8') view.setBigUint64(to, BigInt(value), true);
    else if (type === 'long') view.setUint32(to, value, true);
    else if (type === 'short') view.setUint16(to, value, true);
    else view.setUint8(to, value);
  });
}

/** Bytes of the header; the first directory lies at `first`. */
export function encodeHeader(first: number, isBig: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(isBig ? 16 : 8));
  view.setUint16(0, 0x4949, true);
  view.setUint16(2, isBig ? 43 : 42, true);
  if (isBig) {
    view.setUint16(4, 8, true);
    view.setBigUint64(8, BigInt(first), true);
  } else view.setUint32(4, first, true);
  return new Uint8Array(view.buffer);
}
