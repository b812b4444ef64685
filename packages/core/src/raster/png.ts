/**
 * PNG, 1 to 16 bits, gray, colour or palette; transparent pixels are missing. The chunks are read first: they give the
 * size without inflating, show whether the file is truncated, and limit the inflated size to that of the pixels.
 */
import { concatenateBytes } from '../base/concatenate.ts';
import type { Store } from '../store.ts';
import { crc32 } from './crc32.ts';
import { inflate } from './inflate.ts';
import { inflatedBytes, type PngShape, readRows } from './png_rows.ts';
import { damaged, explained, type RasterSource } from './raster_file.ts';
import { type DecodedImage, wholeImage } from './whole_image.ts';

export const FORMAT = 'PNG';
/** Maximum inflated bytes for each byte of DEFLATE. */
const MAX_RATIO = 1032;
/** Bytes behind the last row that are ignored, as in libpng. */
const SURPLUS = 4096;
/** Maximum number of chunks before the samples that are searched for an animation. */
const MAX_CHUNKS = 32;

/** Samples of a pixel and their possible bits, by colour type. */
const COLOUR_TYPES: Record<number, { samples: number; depths: readonly number[] }> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;

interface Header extends PngShape {
  colour: number;
}

interface Chunk {
  type: string;
  data: Uint8Array;
}

const [SIGNATURE, HEADER_END] = [8, 33];

/** @throws FileError, FormatError */
export async function openPng(store: Store, file: string): Promise<RasterSource> {
  const header = await explained(file, FORMAT, async () => readHeader(await store.readRange(file, 0, HEADER_END)));
  const { width, height, depth, colour } = header;
  const bands = colour === 0 || colour === 4 ? 1 : 3;
  const sample = { kind: 'unsigned', bits: depth } as const;
  const description = { width, height, bands, sample, isRgb: bands === 3 };
  const source = wholeImage(description, async () => decodePng(await store.read(file), header, file));
  return {
    ...source,
    ...(colour === PALETTE && { storedBands: 1 }),
    ...((await isAnimated(store, file)) && { guesses: ['the file holds an animation: its first picture is taken'] }),
  };
}

/** @throws Error if the header contradicts itself. */
function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < HEADER_END) throw new Error(`${bytes.length} bytes where a header takes ${HEADER_END}`);
  const view = viewOf(bytes);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colour, compression, filter, interlace] = bytes.subarray(24, 29) as unknown as number[];
  const type = COLOUR_TYPES[colour!];
  if (typeAt(bytes, 12) !== 'IHDR' || !type?.depths.includes(depth!)) {
    throw new Error(`a header of colour type ${colour} with ${depth} bits`);
  }
  if (width === 0 || height === 0 || compression !== 0 || filter !== 0 || interlace! > 1) {
    throw new Error(`a header of ${width} × ${height} pixels, methods ${compression}, ${filter} and ${interlace}`);
  }
  return { width, height, depth: depth!, colour: colour!, samples: type.samples, isInterlaced: interlace === 1 };
}

/** True if a chunk acTL comes before the samples. */
async function isAnimated(store: Store, file: string): Promise<boolean> {
  let at = HEADER_END;
  for (let i = 0; i < MAX_CHUNKS; i++) {
    const head = await store.readRange(file, at, 8);
    const type = typeAt(head, 4);
    if (type === 'acTL') return true;
    if (head.length < 8 || type === 'IDAT') return false;
    at += 12 + viewOf(head).getUint32(0);
  }
  return false;
}

const typeAt = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function decodePng(bytes: Uint8Array, header: Header, file: string): DecodedImage {
  const chunks = walk(bytes, file);
  const dataOf = (type: string) =>
    concatenateBytes(chunks.flatMap((chunk) => (chunk.type === type ? [chunk.data] : [])));
  const [compressed, needed] = [dataOf('IDAT'), inflatedBytes(header)];
  if (compressed.length * MAX_RATIO < needed) {
    throw damaged(file, FORMAT, `${needed} bytes of pixels`, `${compressed.length} bytes that cannot hold them`);
  }
  const inflated = inflate(compressed, needed + SURPLUS);
  if (inflated.length < needed) throw damaged(file, FORMAT, `${needed} bytes of pixels`, `${inflated.length}`);
  const samples = readRows(inflated, header);
  const transparency = dataOf('tRNS');
  return header.colour === PALETTE
    ? fromPalette(samples, dataOf('PLTE'), transparency)
    : fromSamples(samples, header.samples, transparency);
}

/** Reads the chunks of a picture. @throws FormatError if one is damaged or truncated, or the last is missing. */
function walk(bytes: Uint8Array, file: string): Chunk[] {
  const view = viewOf(bytes);
  const chunks: Chunk[] = [];
  for (let start = SIGNATURE; start + 12 <= bytes.length; ) {
    const end = start + 12 + view.getUint32(start);
    const type = typeAt(bytes, start + 4);
    if (end > bytes.length) throw damaged(file, FORMAT, `${end} bytes up to the end of ${type}`, `${bytes.length}`);
    if (type === 'IEND') return chunks;
    if (['IHDR', 'PLTE', 'tRNS', 'IDAT'].includes(type)) {
      if (crc32(bytes.subarray(start + 4, end - 4)) !== view.getUint32(end - 4)) {
        throw damaged(file, FORMAT, `a checksum that agrees with ${type}`, 'one that does not');
      }
      chunks.push({ type, data: bytes.subarray(start + 8, end - 4) });
    }
    start = end;
  }
  throw damaged(file, FORMAT, 'a last chunk (IEND)', `an end after ${bytes.length} bytes`);
}

/** Colours that the palette lacks are black. */
function fromPalette(stored: ArrayLike<number>, palette: Uint8Array, transparency: Uint8Array): DecodedImage {
  const data = new Float32Array(stored.length * 3);
  const hidden = new Uint8Array(stored.length);
  for (let i = 0; i < stored.length; i++) {
    const index = stored[i]!;
    for (let k = 0; k < 3; k++) data[3 * i + k] = palette[3 * index + k] ?? 0;
    hidden[i] = transparency[index] === 0 ? 1 : 0;
  }
  return { data, stored, hidden };
}

/** @param transparency of gray or colour: the 16-bit samples of the transparent value. */
function fromSamples(samples: ArrayLike<number>, channels: number, transparency: Uint8Array): DecodedImage {
  if (channels === 2 || channels === 4) return withoutAlpha(samples, channels);
  const data = new Float32Array(samples);
  if (transparency.length < 2 * channels) return { data };
  const view = viewOf(transparency);
  const hidden = new Uint8Array(data.length / channels);
  for (let i = 0; i < hidden.length; i++) {
    let isHidden = true;
    for (let k = 0; k < channels; k++) isHidden &&= data[i * channels + k] === view.getUint16(2 * k);
    hidden[i] = isHidden ? 1 : 0;
  }
  return { data, hidden };
}

/** Splits off alpha, the last channel: pixels with alpha 0 are missing. */
function withoutAlpha(samples: ArrayLike<number>, channels: number): DecodedImage {
  const pixels = samples.length / channels;
  const bands = channels - 1;
  const data = new Float32Array(pixels * bands);
  const hidden = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    for (let band = 0; band < bands; band++) data[i * bands + band] = samples[i * channels + band]!;
    hidden[i] = samples[i * channels + bands] === 0 ? 1 : 0;
  }
  return { data, hidden };
}
