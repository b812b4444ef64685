/**
 * JPEG: gray and colour by libjpeg-turbo, CMYK by jpeg-js; baseline or progressive. Lossy: for looking at optical patches
 * more than for measuring. The segments are read first: they give the size before anything is decoded.
 */
import { decode } from 'jpeg-js';
import type { Store } from '../store.ts';
import { type JpegHead, readJpegHead, requireReadableJpeg } from './jpeg_head.ts';
import { decodeByLibjpeg } from './libjpeg.ts';
import { damaged, explained, NotSupported, type RasterSource } from './raster_file.ts';
import { wholeImage } from './whole_image.ts';

export const FORMAT = 'JPEG';
/** Maximum number of pixels a byte can encode (blocks of one colour), with a margin of 50 %. */
const MAX_PIXELS_PER_BYTE = 1024;

/** @throws FileError, FormatError */
export async function openJpeg(store: Store, file: string): Promise<RasterSource> {
  const bytes = await store.read(file);
  const head = await explained(file, FORMAT, () => requireHead(bytes));
  const { width, height, orientation } = head;
  if (width * height > bytes.length * MAX_PIXELS_PER_BYTE) {
    throw damaged(file, FORMAT, `data for ${width} × ${height} pixels`, `${bytes.length} bytes that cannot hold them`);
  }
  const bands = head.components.length === 1 ? 1 : 3;
  const sample = { kind: 'unsigned', bits: 8 } as const;
  const source = wholeImage({ width, height, bands, sample, isRgb: bands === 3 }, () => decodeJpeg(bytes, head));
  if (orientation === 1) return source;
  return { ...source, guesses: [`the EXIF orientation (${orientation}) is not applied: rows are taken as stored`] };
}

function requireHead(bytes: Uint8Array): JpegHead {
  const head = readJpegHead(bytes);
  if (head.components.length === 2) throw new NotSupported('JPEG of 2 components');
  if (head.components.length === 4 && head.adobe === undefined) {
    throw new NotSupported("JPEG of four components without Adobe's segment");
  }
  requireReadableJpeg(head);
  if (!head.isEnded) throw new Error(`no end marker in ${bytes.length} bytes`);
  return head;
}

async function decodeJpeg(bytes: Uint8Array, { components, adobe }: JpegHead) {
  if (components.length < 4) return { data: Float32Array.from(await decodeByLibjpeg(bytes)) };
  const megapixels = 2 ** 28 / 1e6;
  const { data } = decode(bytes, {
    ...{ useTArray: true, formatAsRGBA: false, colorTransform: adobe !== 0 },
    tolerantDecoding: true, // a last restart may come early
    ...{ maxResolutionInMP: megapixels, maxMemoryUsageInMB: 4096 },
  });
  return { data: Float32Array.from(data) };
}
