/**
 * Raster: the form of every image that is read: float32 samples with their unit, a mask of missing pixels and, if the
 * file has it, the georeference.
 */

/**
 * Units of samples.
 * - `dB`: 10·log10 of intensity; `amplitude`: proportional to √intensity; `intensity`: power (σ⁰, γ⁰ linear)
 * - `reflectance`: optical, 0 to about 1; `digital number`: uncalibrated samples
 */
export const UNITS = ['dB', 'amplitude', 'intensity', 'reflectance', 'digital number'] as const;
export type Unit = (typeof UNITS)[number];

/** GDAL order: x = a0 + column·a1 + row·a2, y = a3 + column·a4 + row·a5, of the pixel's outer corner. */
export type AffineTransform = readonly [number, number, number, number, number, number];

export interface Raster {
  /** [height, width, bands], row by row, band innermost. Missing samples hold NaN or the file's no-data value. */
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly bands: number;
  readonly unit: Unit;
  /** [height, width]: 1 where any band is missing (no-data value or NaN); absent where nothing is missing. */
  readonly noData?: Uint8Array;
  /** "EPSG:32611" or a WKT/PROJJSON/proj4 string that proj4 understands. */
  readonly crs?: string;
  readonly transform?: AffineTransform;
}

/** Georeference of a file, as stored. */
export interface Georeference {
  /** GeoKeys of a GeoTIFF by number. */
  readonly keys: ReadonlyMap<number, number | string | readonly number[]>;
  /** Column, row, height, and x, y, z of each point. */
  readonly tiePoints?: readonly number[];
  readonly pixelScale?: readonly number[];
  /** 4 × 4, row by row. */
  readonly matrix?: readonly number[];
  /** True if there are rational polynomial coefficients, which are not read. */
  readonly hasRpc: boolean;
}
