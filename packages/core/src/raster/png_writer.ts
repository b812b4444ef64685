/**
 * Writes PNGs without compression: patches are many and small, and most hold noise, of which DEFLATE saves a sixth at a
 * hundred times the cost. Bytes are the same on every system.
 *
 * W3C PNG, third edition; RFC 1950 and 1951, stored blocks.
 */
import { crc32 } from './crc32.ts';
import { adler32 } from './inflate.ts';

export interface PngImage {
  width: number;
  height: number;
  /** 1 for gray, 3 for red, green and blue. */
  bands: 1 | 3;
  /** [height, width, bands] */
  data: Uint8Array | Uint16Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Maximum length of a stored block. */
const BLOCK = 65535;
/** Bytes of a chunk besides its data, and of a stored block. */
const [CHUNK, BLOCK_HEAD] = [12, 5];

export function writePng({ width, height, bands, data }: PngImage): Uint8Array {
  const rows = rowsOf(data, width * bands, height);
  const blocks = Math.max(1, Math.ceil(rows.length / BLOCK));
  const stream = 2 + rows.length + blocks * BLOCK_HEAD + 4;
  const bytes = new Uint8Array(SIGNATURE.length + CHUNK + 13 + CHUNK + stream + CHUNK);
  bytes.set(SIGNATURE);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([data.BYTES_PER_ELEMENT * 8, bands === 1 ? 0 : 2], 8);
  let at = writeChunk(bytes, SIGNATURE.length, 'IHDR', 13, (data) => data.set(header));
  at = writeChunk(bytes, at, 'IDAT', stream, (data) => writeStored(data, rows));
  writeChunk(bytes, at, 'IEND', 0, () => {});
  return bytes;
}

/** Rows as PNG stores them: a filter, which is none, then samples of the highest byte first. */
function rowsOf(data: Uint8Array | Uint16Array, rowSamples: number, height: number): Uint8Array {
  const size = data.BYTES_PER_ELEMENT;
  const rows = new Uint8Array(height * (1 + rowSamples * size));
  for (let row = 0; row < height; row++) {
    const to = row * (1 + rowSamples * size) + 1;
    const from = row * rowSamples;
    if (size === 1) rows.set(data.subarray(from, from + rowSamples), to);
    else {
      for (let i = 0; i < rowSamples; i++) {
        rows[to + 2 * i] = data[from + i]! >> 8;
        rows[to + 2 * i + 1] = data[from + i]!;
      }
    }
  }
  return rows;
}

/** @param write fills the data. @returns the end of the chunk. */
function writeChunk(
  bytes: Uint8Array,
  at: number,
  type: string,
  length: number,
  write: (data: Uint8Array) => void,
): number {
  const view = new DataView(bytes.buffer);
  const end = at + 8 + length;
  view.setUint32(at, length);
  for (let i = 0; i < 4; i++) bytes[at + 4 + i] = type.charCodeAt(i);
  write(bytes.subarray(at + 8, end));
  view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
  return end + 4;
}

/** A zlib stream of stored blocks. */
function writeStored(to: Uint8Array, content: Uint8Array): void {
  to.set([0x78, 0x01]);
  let at = 2;
  for (let from = 0; from === 0 || from < content.length; from += BLOCK) {
    const part = content.subarray(from, from + BLOCK);
    const isLast = from + BLOCK >= content.length;
    const { length } = part;
    to.set([isLast ? 1 : 0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255], at);
    to.set(part, at + BLOCK_HEAD);
    at += BLOCK_HEAD + length;
  }
  new DataView(to.buffer, to.byteOffset).setUint32(at, adler32(content));
}
