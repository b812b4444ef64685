export { encodePatch } from './encode_patch.ts';
export { openRaster } from './open.ts';
export { type Raster, UNITS, type Unit } from './raster.ts';
