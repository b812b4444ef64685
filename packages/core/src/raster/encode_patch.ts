/** Encodes patches as files: PNG if lossless, else float32 GeoTIFF. `decodeRaster` returns the same samples. */
import { writeArrayBuffer } from 'geotiff';
import { zeroIsMissing } from './missing.ts';
import { writePng } from './png_writer.ts';
import type { Raster } from './raster.ts';

export interface EncodedPatch {
  bytes: Uint8Array;
  extension: 'png' | 'tif';
}

/**
 * PNG of 8 or 16 bits, uncompressed, where all samples are whole numbers in range and nothing is missing; otherwise GeoTIFF, in which
 * missing pixels are NaN. Unit, CRS and transform are not kept: a data set's `pairs.jsonl` has them.
 */
export function encodePatch(raster: Raster): EncodedPatch {
  const samples = wholeSamples(raster);
  if (!samples) return { bytes: toGeotiff(raster), extension: 'tif' };
  const { width, height, bands } = raster;
  return { bytes: writePng({ width, height, bands: bands === 3 ? 3 : 1, data: samples }), extension: 'png' };
}

/**
 * Samples of 8 or 16 bits; undefined where PNG cannot hold them, or zeros would be read as missing. Two or
 * four bands would mean alpha.
 */
function wholeSamples({ data, bands, noData, unit }: Raster): Uint8Array | Uint16Array | undefined {
  if ((bands !== 1 && bands !== 3) || noData?.includes(1)) return undefined;
  const most = mostOfWhole(data);
  if (most === undefined) return undefined;
  if (most > 255 && zeroIsMissing(unit, { kind: 'unsigned', bits: 16 }, false) && data.includes(0)) return undefined;
  return most > 255 ? new Uint16Array(data) : new Uint8Array(data);
}

/** Largest sample; undefined unless all are whole numbers of 16 bits. */
function mostOfWhole(data: Float32Array): number | undefined {
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const sample = data[i]!;
    if (sample !== (sample & 65535) || (sample === 0 && 1 / sample < 0)) return undefined; // nor is −0 one
    if (sample > most) most = sample;
  }
  return most;
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
