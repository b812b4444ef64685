export { fitNormalisation, normalisationOptionsSchema } from './fit_normalisation.ts';
export type { Normalisation } from './normalisation.ts';
export { type PatchShape, type PatchSource, readPatches, shapeOf, toTensor } from './patch_source.ts';
export { PatchCache, preparePatch } from './prepared_patches.ts';
