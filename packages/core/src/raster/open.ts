/** Opens an image file by what its first bytes say; the name's ending is not asked. */
import { FormatError } from '../errors.ts';
import { MemoryStore, type Store } from '../store.ts';
import { openGeotiff } from './geotiff.ts';
import { openJpeg } from './jpeg.ts';
import { openPng } from './png.ts';
import type { Raster } from './raster.ts';
import type { RasterFile, RasterOptions } from './raster_file.ts';

export type { RasterFile, RasterOptions, RasterWindow } from './raster_file.ts';

type Opener = (store: Store, path: string, options: RasterOptions) => Promise<RasterFile>;

const FORMATS: readonly { magic: readonly number[]; open: Opener }[] = [
  { magic: [0x49, 0x49, 42, 0], open: openGeotiff },
  { magic: [0x49, 0x49, 43, 0], open: openGeotiff }, // BigTIFF
  { magic: [0x4d, 0x4d, 0, 42], open: openGeotiff },
  { magic: [0x4d, 0x4d, 0, 43], open: openGeotiff },
  { magic: [0x89, 0x50, 0x4e, 0x47], open: openPng },
  { magic: [0xff, 0xd8, 0xff], open: openJpeg },
];

/**
 * Reads the header of a GeoTIFF (also BigTIFF), PNG or JPEG. Samples come by window; of a GeoTIFF, only the tiles or strips
 * that a window touches are read, while a PNG or JPEG is decoded as a whole.
 *
 * @throws FileError where there is no file. @throws FormatError where it is damaged or of another format.
 */
export async function openRaster(store: Store, path: string, options: RasterOptions = {}): Promise<RasterFile> {
  const head = await store.readRange(path, 0, 8);
  const format = FORMATS.find(({ magic }) => magic.every((byte, i) => head[i] === byte));
  if (format) return format.open(store, path, options);
  throw new FormatError({
    ...{ action: 'read the image', file: path, expected: 'a GeoTIFF, PNG or JPEG' },
    found: head.length === 0 ? 'an empty file' : `a file that begins with ${describe(head)}`,
    remedy: 'Convert it, for example by `gdal_translate INPUT OUTPUT.tif`.',
  });
}

/** A whole image from its bytes. @param name for messages. @throws FormatError as `openRaster`. */
export async function decodeRaster(bytes: Uint8Array, name: string, options: RasterOptions = {}): Promise<Raster> {
  const store = new MemoryStore();
  store.files.set(name, bytes);
  const file = await openRaster(store, name, options);
  try {
    return await file.read();
  } finally {
    await file.close();
  }
}

const describe = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
