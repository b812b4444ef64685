/**
 * Data sets of patch pairs: their files, splits by place, and the guard that keeps neighbours from being negatives of each
 * other; footprints and reference systems.
 *
 * @module
 * @example
 * ```ts
 * import { openDataset } from '@doppel/core/dataset';
 * import { FileStore } from '@doppel/core/node';
 *
 * const dataset = await openDataset(new FileStore(), 'runs/data');
 * const { sar } = await dataset.read(0);
 * console.log(dataset.records.length, dataset.indicesOf('train').length, `${sar.width} × ${sar.height}`); // 24 12 64 × 64
 * ```
 */

export type { Footprint } from '../geo/footprint.ts';
export { crsProblem } from '../geo/reference_system.ts';
export { type Dataset, openDataset, type PairList, type PairRecord, type Splits, writeSplits } from './dataset.ts';
export type { BuiltDataset } from './dataset_writer.ts';
export { DatasetWriter } from './dataset_writer.ts';
export { isInside } from './inside.ts';
export { PAIRS_FILE, parsePairs } from './pairs_file.ts';
export { SPLITS, type Split } from './patch_pair.ts';
export { type PlaceGuard, placeGuard } from './place_guard.ts';
export { requireSceneFiles, writeLocation } from './scene_files.ts';
export type { Scene, Sensor } from './scenes.ts';
export { type Protocol, splitByPlace, splitByProtocol, withoutNegatives } from './split_by_place.ts';
export { SPLIT_NAMES, SPLITS_FILE } from './splits_file.ts';
