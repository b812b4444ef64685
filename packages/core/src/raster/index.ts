/**
 * Rasters: samples with their unit, missing values and place, read by window from GeoTIFF, PNG, JPEG.
 *
 * @module
 * @example
 * ```ts
 * import { FileStore } from '@doppel/core/node';
 * import { openRaster } from '@doppel/core/raster';
 *
 * const scene = await openRaster(new FileStore(), 'scene.tif');
 * const { width, height, unit, crs } = await scene.read({ column: 0, row: 0, width: 64, height: 64 });
 * console.log(width, height, unit, crs); // 64 64 digital number EPSG:3395
 * await scene.close();
 * ```
 */
export { type AcquisitionTime, acquisitionTime, utcTime } from './acquisition_time.ts';
export { encodePatch } from './encode_patch.ts';
export { equivalentNumberOfLooks } from './enl.ts';
export { leeFilter } from './lee_filter.ts';
export { decodeRaster, openRaster } from './open.ts';
export { type Raster, UNITS, type Unit } from './raster.ts';
export { convertUnit } from './units.ts';
