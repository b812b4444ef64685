/**
 * Ground: where a raster file lies, reference systems, and files resampled to other grids.
 *
 * @module
 * @example
 * ```ts
 * import { LON_LAT, mapOf, openPlaced, transformBetween } from '@doppel/core/geo';
 * import { FileStore } from '@doppel/core/node';
 *
 * const scene = await openPlaced(new FileStore(), 'scene.tif');
 * const [longitude, latitude] = transformBetween(scene.crs!, LON_LAT, 'scene.tif')(...mapOf(scene)!.toGround(0, 0));
 * console.log(longitude.toFixed(2), latitude.toFixed(2)); // -118.52 34.25
 * await scene.close();
 * ```
 */
export type { Grid } from './grid.ts';
export { GridReader } from './grid_reader.ts';
export { affineMap, type PixelMap } from './pixel_map.ts';
export { mapOf, openPlaced, type PlacedFile } from './place.ts';
export { readStrips } from './read_strips.ts';
export { LON_LAT, referenceSystem, transformBetween } from './reference_system.ts';
