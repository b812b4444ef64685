/** Opens an image file by its first bytes; the extension of its name is ignored. */
import { FormatError } from '../errors.ts';
import { MemoryStore, type Store } from '../store.ts';
import * as geotiff from './geotiff.ts';
import * as jpeg from './jpeg.ts';
import * as png from './png.ts';
import type { Raster } from './raster.ts';
import { type RasterFile, type RasterOptions, type RasterSource, rasterFile } from './raster_file.ts';
import { readSidecars } from './sidecars.ts';

export type { RasterFile, RasterOptions, RasterWindow } from './raster_file.ts';

interface Format {
  name: string;
  magics: readonly (readonly number[])[];
  open(store: Store, path: string): Promise<RasterSource>;
}

const FORMATS: readonly Format[] = [
  {
    name: geotiff.FORMAT,
    magics: [
      [0x49, 0x49, 42, 0],
      [0x49, 0x49, 43, 0], // BigTIFF
      [0x4d, 0x4d, 0, 42],
      [0x4d, 0x4d, 0, 43],
    ],
    open: geotiff.openGeotiff,
  },
  { name: png.FORMAT, magics: [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]], open: png.openPng },
  { name: jpeg.FORMAT, magics: [[0xff, 0xd8, 0xff]], open: jpeg.openJpeg },
];

/**
 * Reads the header of a GeoTIFF (also BigTIFF), PNG or JPEG. Samples come by window; of a GeoTIFF, only the tiles or
 * strips that a window touches are read, while a PNG or JPEG is decoded as a whole.
 *
 * @throws FileError where there is no file. @throws FormatError where it is damaged or of another format.
 */
export async function openRaster(store: Store, path: string, options: RasterOptions = {}): Promise<RasterFile> {
  const head = await store.readRange(path, 0, 8);
  const format = FORMATS.find(({ magics }) => magics.some((magic) => magic.every((byte, i) => head[i] === byte)));
  if (format) {
    const source = await format.open(store, path);
    const sidecars = await readSidecars(store, path, source, geotiff.openMaskFile, options.companions);
    return rasterFile(source, path, format.name, options, sidecars);
  }
  throw new FormatError({
    ...{ action: 'read the image', file: path, expected: 'a GeoTIFF, PNG or JPEG' },
    found: head.length === 0 ? 'an empty file' : `a file that begins with ${describe(head)}`,
    remedy: 'Convert it, for example by `gdal_translate INPUT OUTPUT.tif`.',
  });
}

/** Decodes a whole image from its bytes. @param name for messages. @throws FormatError as `openRaster`. */
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
