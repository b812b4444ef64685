/**
 * Importers: scenes, folders of patches and SARptical into data sets of patch pairs.
 *
 * @module
 * @example
 * ```ts
 * import { matchNames } from '@doppel/core/import';
 *
 * const { pairs } = matchNames(['sar/p1.tif', 'optical/p1.tif', 'sar/p2.tif', 'optical/p2.tif']);
 * console.log(pairs.map(({ key }) => key).join(' ')); // p1 p2
 * ```
 */
export { filesIn, importFolder } from './folder.ts';
export type { ImportHooks } from './import_hooks.ts';
export { importScene, type ScenePair, type ScenePart, type SceneTask } from './import_scene.ts';
export { matchNames } from './match_names.ts';
export { findOpticalSar } from './optical_sar.ts';
export { importSarptical, type PointCoordinates } from './sarptical.ts';
export { importScenes, type SceneThreads } from './scenes.ts';
