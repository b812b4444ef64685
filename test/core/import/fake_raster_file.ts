/** A raster file without a file: samples follow from a rule of the ground, so that any grid of it is known exactly. */

import type { PixelWindow } from '../../../packages/core/src/geo/grid.ts';
import { affineMap } from '../../../packages/core/src/geo/pixel_map.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import type { RasterFile } from '../../../packages/core/src/raster/open.ts';
import type { AffineTransform, Raster, Unit } from '../../../packages/core/src/raster/raster.ts';

export interface FakeGround {
  width: number;
  height: number;
  bands?: number;
  crs?: string;
  transform?: AffineTransform;
  unit?: Unit;
  /** Of longitude, latitude (or column, row where there is no CRS) and band; NaN is missing. */
  value(x: number, y: number, band: number): number;
}

export interface FakeFile extends RasterFile {
  /** Windows that were read. */
  readonly windows: PixelWindow[];
}

export function fakeRasterFile({ width, height, bands = 1, crs, transform, unit, value }: FakeGround): FakeFile {
  const toLonLat = crs && transform ? transformBetween(crs, 'EPSG:4326', 'fake') : undefined;
  const windows: PixelWindow[] = [];
  const at = (column: number, row: number) =>
    toLonLat ? toLonLat(...affineMap(transform!).toGround(column + 0.5, row + 0.5)) : ([column, row] as const);
  const read: RasterFile['read'] = async (
    window = { column: 0, row: 0, width, height },
    chosen = Array.from({ length: bands }, (_, i) => i),
  ) => {
    windows.push(window);
    const data = new Float32Array(window.width * window.height * chosen.length);
    const noData = new Uint8Array(window.width * window.height);
    for (let pixel = 0; pixel < noData.length; pixel++) {
      const [column, row] = [window.column + (pixel % window.width), window.row + Math.floor(pixel / window.width)];
      if (column < 0 || row < 0 || column >= width || row >= height) throw new RangeError('outside of the file');
      const [x, y] = at(column, row);
      for (const [i, band] of chosen.entries()) data[pixel * chosen.length + i] = value(x, y, band);
      if (Number.isNaN(data[pixel * chosen.length])) noData[pixel] = 1;
    }
    const raster: Raster = {
      data,
      width: window.width,
      height: window.height,
      bands: chosen.length,
      unit: unit ?? 'digital number',
    };
    return noData.includes(1) ? { ...raster, noData } : raster;
  };
  return {
    ...{ width, height, bands, windows, notes: [], guesses: [] },
    block: { width, height },
    imageBands: Array.from({ length: bands }, (_, i) => i),
    ...(crs && { crs }),
    ...(transform && { transform }),
    ...(unit && { unit }),
    ...{
      sample: { kind: 'float', bits: 32 },
      facts: new Map(),
      items: new Map(),
      isRgb: false,
      guessesOfSamples: () => [],
      read,
      readStored: read,
    },
    close: async () => {},
  };
}

/** North up, with its upper left corner at a place. */
export function northUp(
  crs: string,
  longitude: number,
  latitude: number,
  pixel: number,
): { crs: string; transform: AffineTransform } {
  const [x, y] = transformBetween('EPSG:4326', crs, 'fake')(longitude, latitude);
  return { crs, transform: [x, pixel, 0, y, 0, -pixel] };
}
