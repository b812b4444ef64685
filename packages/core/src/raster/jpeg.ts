/** JPEG by jpeg-js: gray or colour, baseline or progressive. Lossy: for looking at optical patches more than for measuring. */
import { decode } from 'jpeg-js';
import type { Store } from '../store.ts';
import { damaged, type RasterFile, type RasterOptions, rasterFile } from './raster_file.ts';
import { wholeImage } from './whole_image.ts';

const FORMAT = 'JPEG';
/** Pixels that a byte can stand for at most, in blocks of one colour; half as much again for safety. */
const MAX_PIXELS_PER_BYTE = 1024;

/** @throws FileError, FormatError */
export async function openJpeg(store: Store, file: string, options: RasterOptions): Promise<RasterFile> {
  const bytes = await store.read(file);
  const { width, height, components } = readFrame(bytes, file);
  if (width * height > bytes.length * MAX_PIXELS_PER_BYTE) {
    throw damaged(file, FORMAT, `data for ${width} × ${height} pixels`, `${bytes.length} bytes that cannot hold them`);
  }
  const bands = components === 1 ? 1 : 3;
  const source = wholeImage({ width, height, bands }, async () => decodeJpeg(bytes, bands));
  return rasterFile(source, file, FORMAT, options);
}

function decodeJpeg(bytes: Uint8Array, bands: 1 | 3) {
  const megapixels = 2 ** 28 / 1e6;
  const { data } = decode(bytes, {
    ...{ useTArray: true, formatAsRGBA: false, tolerantDecoding: false },
    ...{ maxResolutionInMP: megapixels, maxMemoryUsageInMB: 4096 },
  });
  if (bands === 3) return { data: Float32Array.from(data) };
  return { data: Float32Array.from({ length: data.length / 3 }, (_, i) => data[i * 3]!) };
}

/** Markers that begin a frame: SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Markers without a length. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/** Walks the segments up to the frame's header. @throws FormatError where there is none. */
function readFrame(bytes: Uint8Array, file: string): { width: number; height: number; components: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) break;
    if (isFrame(marker)) {
      const frame = { height: view.getUint16(at + 5), width: view.getUint16(at + 7), components: bytes[at + 9]! };
      if (frame.width > 0 && frame.height > 0) return frame;
      break;
    }
    at += marker === 0xff ? 1 : isBare(marker) ? 2 : 2 + view.getUint16(at + 2);
  }
  throw damaged(file, FORMAT, 'the header of a frame', `none in ${bytes.length} bytes`);
}
