/**
 * PNG by fast-png, 1 to 16 bits, gray, colour or palette; transparent pixels are missing. The chunks are walked here first:
 * so the size is known without decompressing, a file that is cut short is said to be so, and nothing that inflates to more
 * than its pixels is inflated as a whole.
 */
import { type DecodedPng, decode } from 'fast-png';
import { Unzlib } from 'fflate';
import type { Store } from '../store.ts';
import { damaged, explained, type RasterSource } from './raster_file.ts';
import { type DecodedImage, wholeImage } from './whole_image.ts';

export const FORMAT = 'PNG';
/** What a decoder needs; profiles, texts and the like are left out. */
const NEEDED = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
/** Samples by colour type. */
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;
/** DEFLATE makes of a byte at most so many. */
const MAX_RATIO = 1032;
/** Bytes that may be inflated without a look at what comes out. */
const HARMLESS = 2 ** 26;

interface Header {
  width: number;
  height: number;
  depth: number;
  colour: number;
}

interface Chunk {
  type: string;
  /** Of the chunk, with its length, type and checksum. */
  start: number;
  end: number;
}

const SIGNATURE = 8;

/** @throws FileError, FormatError */
export async function openPng(store: Store, file: string): Promise<RasterSource> {
  const header = readHeader(await store.readRange(file, 0, 33), file);
  const { width, height, depth, colour } = header;
  await explained(file, FORMAT, () => requireDepth(header));
  const bands = colour === 0 || colour === 4 ? 1 : 3;
  const description = { width, height, bands, sample: { kind: 'unsigned', bits: depth } as const };
  const source = wholeImage(description, async () => decodePng(await store.read(file), header, file));
  return colour === PALETTE ? { ...source, storedBands: 1 } : source;
}

/** Bits of a sample by colour type. */
const DEPTHS: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

function requireDepth({ depth, colour }: Header): void {
  if (!DEPTHS[colour]!.includes(depth)) throw new Error(`${depth} bits for colour type ${colour}`);
}

function readHeader(bytes: Uint8Array, file: string): Header {
  if (bytes.length < 33) throw damaged(file, FORMAT, 'a header of 33 bytes', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = { width: view.getUint32(16), height: view.getUint32(20), depth: bytes[24]!, colour: bytes[25]! };
  const { width, height, colour } = header;
  if (typeAt(bytes, 12) === 'IHDR' && width > 0 && height > 0 && SAMPLES[colour] !== undefined) return header;
  throw damaged(file, FORMAT, 'a header (IHDR)', `${width} × ${height} pixels of colour type ${colour}`);
}

const typeAt = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));

function decodePng(bytes: Uint8Array, header: Header, file: string): DecodedImage {
  const chunks = walk(bytes, file).filter(({ type }) => NEEDED.includes(type));
  requireData(bytes, chunks, header, file);
  const parts = [bytes.subarray(0, SIGNATURE), ...chunks.map(({ start, end }) => bytes.subarray(start, end))];
  const kept = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    kept.set(part, at);
    at += part.length;
  }
  const png = decode(kept, { checkCrc: true });
  return header.colour === PALETTE ? fromPalette(png) : fromSamples(png);
}

/** @throws FormatError where a chunk ends behind the file, or no last chunk comes. */
function walk(bytes: Uint8Array, file: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: Chunk[] = [];
  for (let start = SIGNATURE; start + 12 <= bytes.length; ) {
    const end = start + 12 + view.getUint32(start);
    const type = typeAt(bytes, start + 4);
    if (end > bytes.length) throw damaged(file, FORMAT, `${end} bytes up to the end of ${type}`, `${bytes.length}`);
    chunks.push({ type, start, end });
    if (type === 'IEND') return chunks;
    start = end;
  }
  throw damaged(file, FORMAT, 'a last chunk (IEND)', `an end after ${bytes.length} bytes`);
}

/** @throws FormatError where the compressed data hold fewer or more bytes than the pixels take. */
function requireData(bytes: Uint8Array, chunks: readonly Chunk[], header: Header, file: string): void {
  const { width, height, depth, colour } = header;
  const needed = height * Math.ceil((width * SAMPLES[colour]! * depth) / 8 + 1);
  const data = chunks.filter(({ type }) => type === 'IDAT');
  const compressed = data.reduce((sum, { start, end }) => sum + end - start - 12, 0);
  if (compressed * MAX_RATIO < needed) {
    throw damaged(file, FORMAT, `${needed} bytes of pixels`, `${compressed} bytes that cannot hold them`);
  }
  if (compressed * MAX_RATIO <= HARMLESS) return;
  let inflated = 0;
  const limit = 2 * needed; // interlaced rows take a little more
  const stream = new Unzlib((part) => {
    inflated += part.length;
    if (inflated > limit) throw damaged(file, FORMAT, `${needed} bytes of pixels`, 'data that inflate to more');
  });
  for (const { start, end } of data) stream.push(bytes.subarray(start + 8, end - 4));
}

/** Colours that the palette lacks are black. */
function fromPalette({ data, width, height, depth, palette }: DecodedPng): DecodedImage {
  const stored = depth < 8 ? unpack(data, width, height, depth) : data;
  const colours = new Float32Array(stored.length * 3);
  const hidden = new Uint8Array(stored.length);
  for (let i = 0; i < stored.length; i++) {
    const [red = 0, green = 0, blue = 0, alpha = 255] = palette?.[stored[i]!] ?? [];
    colours.set([red, green, blue], i * 3);
    hidden[i] = alpha === 0 ? 1 : 0;
  }
  return { data: colours, stored, ...(hidden.includes(1) && { hidden }) };
}

function fromSamples({ data, width, height, channels, depth, transparency }: DecodedPng): DecodedImage {
  const samples = depth < 8 ? unpack(data, width, height, depth) : data;
  if (channels === 2 || channels === 4) return withoutAlpha(samples, channels);
  const all = Float32Array.from(samples);
  if (!transparency?.length) return { data: all };
  const hidden = new Uint8Array(width * height);
  for (let i = 0; i < hidden.length; i++) {
    hidden[i] = transparency.every((value, channel) => all[i * channels + channel] === value) ? 1 : 0;
  }
  return { data: all, hidden };
}

/** Gray samples of 1, 2 or 4 bits, several in a byte; each row begins with a new one. */
function unpack(packed: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const samples = new Uint8Array(width * height);
  const rowLength = Math.ceil((width * depth) / 8);
  const mask = 2 ** depth - 1;
  for (let i = 0; i < samples.length; i++) {
    const bit = (i % width) * depth;
    const byte = packed[Math.floor(i / width) * rowLength + (bit >> 3)]!;
    samples[i] = (byte >> (8 - depth - (bit & 7))) & mask;
  }
  return samples;
}

/** The last channel says where something is: 0 is nothing. */
function withoutAlpha(samples: ArrayLike<number>, channels: number) {
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
