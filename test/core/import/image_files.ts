/** Small image files, as imports meet them. */

import { encode } from 'fast-png';
import { writeArrayBuffer } from 'geotiff';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';

/** 8-bit PNG; value(pixel, band). */
export function pngFile(side: number, channels: 1 | 3, value: (pixel: number, band: number) => number): Uint8Array {
  const data = Uint8Array.from({ length: side * side * channels }, (_, i) =>
    value(Math.floor(i / channels), i % channels),
  );
  return encode({ width: side, height: side, channels, depth: 8, data });
}

export interface TiffGround {
  width: number;
  height: number;
  bands?: number;
  /** Upper left corner and pixel size; absent: no place on the ground. */
  place?: { epsg: number; longitude: number; latitude: number; pixel: number };
  value(column: number, row: number, band: number): number;
}

/** Float32 GeoTIFF. */
export async function tiffFile({ width, height, bands = 1, place, value }: TiffGround): Promise<Uint8Array> {
  const data = Float32Array.from({ length: width * height * bands }, (_, i) => {
    const pixel = Math.floor(i / bands);
    return value(pixel % width, Math.floor(pixel / width), i % bands);
  });
  const all = <T>(each: T) => new Array<T>(bands).fill(each);
  const metadata = {
    ...{ width, height, SamplesPerPixel: bands, PlanarConfiguration: 1, PhotometricInterpretation: 1 },
    ...{ BitsPerSample: all(32), SampleFormat: all(3) },
    ...(place && placeOf(place)),
  };
  return new Uint8Array((await writeArrayBuffer(data as never, metadata as never)) as ArrayBuffer);
}

function placeOf({ epsg, longitude, latitude, pixel }: NonNullable<TiffGround['place']>) {
  const [x, y] = transformBetween('EPSG:4326', `EPSG:${epsg}`, 'test')(longitude, latitude);
  return {
    ...{ GTModelTypeGeoKey: 1, GTRasterTypeGeoKey: 1, ProjectedCSTypeGeoKey: epsg },
    ModelTiepoint: [0, 0, 0, x, y, 0],
    ModelPixelScale: [pixel, pixel, 0],
  };
}

/** MAT-file level 5, not compressed, with one matrix of doubles. @param value of (row, column) */
export function matFile(
  name: string,
  rows: number,
  columns: number,
  value: (row: number, column: number) => number,
): Uint8Array {
  const pad = (length: number) => Math.ceil(length / 8) * 8;
  const nameBytes = new TextEncoder().encode(name);
  const body = 16 + 16 + 8 + pad(nameBytes.length) + 8 + rows * columns * 8;
  const bytes = new Uint8Array(128 + 8 + body);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('MATLAB 5.0 MAT-file, made by a test'.padEnd(116)));
  view.setUint16(124, 0x0100, true);
  bytes.set([0x49, 0x4d], 126); // "IM": little-endian
  let at = 128;
  const tag = (type: number, length: number) => {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, length, true);
    at += 8;
  };
  tag(14, body); // miMATRIX
  tag(6, 8); // flags, of class double
  view.setUint32(at, 6, true);
  at += 8;
  tag(5, 8); // dimensions
  view.setInt32(at, rows, true);
  view.setInt32(at + 4, columns, true);
  at += 8;
  tag(1, nameBytes.length);
  bytes.set(nameBytes, at);
  at += pad(nameBytes.length);
  tag(9, rows * columns * 8); // doubles, column by column
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++, at += 8) view.setFloat64(at, value(row, column), true);
  }
  return bytes;
}
