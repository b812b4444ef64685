/**
 * JPEG of one or three components by libjpeg-turbo, which GDAL uses as well: samples are the same bit for bit. Compiled
 * to JavaScript, not to WebAssembly, so that it needs no file beside it on any runtime.
 */
import type { JpegDecoder } from '@cornerstonejs/codec-libjpeg-turbo-8bit/decode';
import { concatenateBytes } from '../base/concatenate.ts';

let decoder: Promise<JpegDecoder> | undefined;

async function load(): Promise<JpegDecoder> {
  const { default: create } = await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decode');
  const { JPEGDecoder } = await create();
  return new JPEGDecoder();
}

/** The decoder that all share; another one where it could not be made, or was given up. */
async function shared(): Promise<JpegDecoder> {
  decoder ??= load();
  try {
    return await decoder;
  } catch (error) {
    decoder = undefined;
    throw error;
  }
}

/**
 * @param stream of one component, or of three that libjpeg takes for YCbCr or RGB by its rules.
 * @returns gray, or red, green and blue: [height, width, 1 or 3]. @throws Error for damage.
 */
export async function decodeByLibjpeg(stream: Uint8Array): Promise<Uint8Array> {
  const jpeg = await shared();
  try {
    jpeg.getEncodedBuffer(stream.length).set(stream);
    jpeg.decode();
    return jpeg.getDecodedBuffer().slice();
  } catch (cause) {
    // A decoder loses memory with each stream that it fails on, and in the end could decode nothing any more.
    decoder = undefined;
    throw new Error('JPEG samples that are damaged', { cause });
  }
}

/** Adobe's segment APP14, by which libjpeg knows whether components are YCbCr (Adobe Technical Note 5116). */
const adobe = (transform: 0 | 1) =>
  Uint8Array.of(0xff, 0xee, 0, 14, ...new TextEncoder().encode('Adobe'), 0, 100, 0, 0, 0, 0, transform);

/**
 * A whole stream out of a block of a TIFF and the tables that all blocks share.
 *
 * @param isYCbCr for three components; TIFF says it in a tag of its own.
 */
export function wholeStream(block: Uint8Array, tables: Uint8Array | undefined, isYCbCr: boolean): Uint8Array {
  return concatenateBytes([
    block.subarray(0, 2),
    adobe(isYCbCr ? 1 : 0),
    tables?.subarray(2, -2) ?? new Uint8Array(), // without its markers of start and end
    block.subarray(2),
  ]);
}
