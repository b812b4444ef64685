/** Placed files in memory, of two sensors that see the same discs. */
import type { PlacedFile } from '../../../packages/core/src/geo/place.ts';
import type { AffineTransform, Raster } from '../../../packages/core/src/raster/raster.ts';
import type { RasterWindow } from '../../../packages/core/src/raster/window.ts';

export const CRS = 'EPSG:32611';
export const NORTH_UP: AffineTransform = [400000, 10, 0, 3800000, 0, -10];

export function fileOf(raster: Raster, transform: AffineTransform = NORTH_UP, crs: string = CRS): PlacedFile {
  const { width, height, bands, unit } = raster;
  const file = {
    ...{ width, height, bands, unit, crs, transform, block: { width, height } },
    imageBands: Array.from({ length: bands }, (_, i) => i),
    ...{ notes: [], guesses: [] },
    read: async (window: RasterWindow) => cropped(raster, window),
    close: async () => {},
  };
  return file as unknown as PlacedFile; // what a registration asks of a file, no more
}

function cropped(raster: Raster, { column, row, width, height }: RasterWindow): Raster {
  const { bands } = raster;
  const data = new Float32Array(width * height * bands);
  for (let y = 0; y < height; y++) {
    const from = ((row + y) * raster.width + column) * bands;
    data.set(raster.data.subarray(from, from + width * bands), y * width * bands);
  }
  const noData = raster.noData && new Uint8Array(width * height);
  noData?.forEach((_, i) => {
    noData[i] = raster.noData![(row + Math.floor(i / width)) * raster.width + column + (i % width)]!;
  });
  return { data, width, height, bands, unit: raster.unit, ...(noData && { noData }) };
}
