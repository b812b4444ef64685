/** Encodes patches as files: PNG if lossless, else float32 GeoTIFF. `decodeRaster` returns the same samples. */
import { encode } from 'fast-png';
import { writeArrayBuffer } from 'geotiff';
import type { Raster } from './raster.ts';

export interface EncodedPatch {
  bytes: Uint8Array;
  extension: 'png' | 'tif';
}

/**
 * PNG of 8 or 16 bits where all samples are whole numbers in range and nothing is missing; otherwise GeoTIFF, in which
 * missing pixels are NaN. Unit, CRS and transform are not kept: a data set's `pairs.jsonl` has them.
 */
export function encodePatch(raster: Raster): EncodedPatch {
  const highest = highestWhole(raster);
  if (highest !== undefined && highest < 2 ** 16) {
    return { bytes: toPng(raster, highest < 2 ** 8 ? 8 : 16), extension: 'png' };
  }
  return { bytes: toGeotiff(raster), extension: 'tif' };
}

/** Largest sample of a raster that PNG can hold; undefined for others. Two or four bands would mean alpha. */
function highestWhole({ data, bands, noData }: Raster): number | undefined {
  if ((bands !== 1 && bands !== 3) || noData?.includes(1)) return undefined;
  let highest = 0;
  for (const sample of data) {
    if (!Number.isInteger(sample) || sample < 0 || Object.is(sample, -0)) return undefined;
    if (sample > highest) highest = sample;
  }
  return highest;
}

function toPng({ data, width, height, bands }: Raster, depth: 8 | 16): Uint8Array {
  const samples = depth === 8 ? Uint8Array.from(data) : Uint16Array.from(data);
  return encode({ width, height, channels: bands, depth, data: samples });
}

function toGeotiff({ data, width, height, bands, noData }: Raster): Uint8Array {
  const samples = noData
    ? data.map((sample, i) => (noData[Math.floor(i / bands)] ? Number.NaN : sample))
    : data.slice();
  const each = (value: number) => new Array<number>(bands).fill(value);
  const metadata = {
    ...{ width, height, SamplesPerPixel: bands, BitsPerSample: each(32), SampleFormat: each(3) },
    ...{ PlanarConfiguration: 1, PhotometricInterpretation: 1, GDAL_NODATA: 'nan' },
    ...(bands > 1 && { ExtraSamples: new Array<number>(bands - 1).fill(0) }),
  };
  return new Uint8Array(writeArrayBuffer(samples, metadata));
}
