/**
 * Galleries: the cells of many scenes, embedded once by a matcher, in which a patch of the other sensor is searched.
 *
 * @module
 * @example
 * ```ts
 * import { openNamedModel } from '@doppel/core';
 * import { selectBackend } from '@doppel/core/backends';
 * import { buildGallery, Gallery, searchGallery } from '@doppel/core/gallery';
 * import { FileStore } from '@doppel/core/node';
 * import { openRaster } from '@doppel/core/raster';
 *
 * await selectBackend({ requested: 'wasm' });
 * const [store, model] = [new FileStore(), await openNamedModel('s1s2-10m')];
 * const scenes = ['data/demo/optical/201.tif'];
 * await buildGallery(store, { scenes, out: 'runs/gallery', model, modelName: 's1s2-10m', sensor: 'optical' });
 * const gallery = await Gallery.open(store, 'runs/gallery');
 * const sar = await openRaster(store, 'data/demo/sar/201.tif');
 * const patch = await sar.read({ column: 491, row: 301, width: 64, height: 64 });
 * const [best] = await searchGallery(gallery, model, patch, { shortlist: 10 });
 * console.log(best!.name, Math.abs(best!.window.column - 491) < 8, Math.abs(best!.window.row - 301) < 8); // 201.tif true true
 * ```
 */
export { otherSensor } from '../dataset/scenes.ts';
export {
  type BuildReport,
  type BuildTask,
  type BuildWatch,
  buildGallery,
  collectGallery,
  type EmbedTask,
  embedSceneFile,
  type GalleryTask,
} from './build_gallery.ts';
export {
  evaluateGallery,
  type GalleryEvaluation,
  type GalleryEvaluationOptions,
  RECALL_RANKS,
} from './evaluate_gallery.ts';
export { Gallery } from './gallery.ts';
export { extentOf, type GalleryExtent } from './gallery_extent.ts';
export {
  findGallery,
  GALLERY_FILE,
  type GalleryFacts,
  type GalleryScene,
  gallerySceneSchema,
  readGallery,
  requireModel,
} from './gallery_file.ts';
export { nearestTiles } from './nearest_tiles.ts';
export { boundsOf, middleOf } from './opened_scene.ts';
export { CELL, requireSearchable } from './place_cells.ts';
export { placesGeojson } from './places_geojson.ts';
export { type Bounds, type FoundPlace, type SearchOptions, searchGallery } from './search_gallery.ts';
export { TileMaps } from './tile_maps.ts';
export { tileName, tilePicture } from './tile_picture.ts';
export { type Ranked, TopK } from './top_k.ts';
