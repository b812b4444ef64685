/**
 * The one door from pixels to tensors: a normalisation is fitted on the training split, stored in the checkpoint and applied
 * again at scoring.
 *
 * @module
 * @example
 * ```ts
 * import { openDataset } from '@doppel/core/dataset';
 * import { FileStore } from '@doppel/core/node';
 * import { fitNormalisation, normalisationOptionsSchema, PatchCache } from '@doppel/core/prepare';
 *
 * const dataset = await openDataset(new FileStore(), 'runs/data');
 * const options = normalisationOptionsSchema.parse({});
 * const normalisation = await fitNormalisation(dataset, dataset.indicesOf('train'), options);
 * const patch = await new PatchCache(dataset, normalisation).sar(0);
 * console.log(normalisation.side, patch.length); // 64 4096
 * ```
 */
export { fitNormalisation, normalisationOptionsSchema } from './fit_normalisation.ts';
export type { Modality, Normalisation } from './normalisation.ts';
export { type PatchShape, type PatchSource, readPatches, shapeOf, toTensor } from './patch_source.ts';
export { PatchCache, preparePatch } from './prepared_patches.ts';
export { PreparedWindows, prepareWindow } from './prepared_windows.ts';
