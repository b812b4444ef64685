export { fitNormalisation, type Normalisation, normalisationOptionsSchema, quantile } from './normalisation.ts';
export type { PatchShape, PatchSource } from './patch_source.ts';
export { PatchCache, preparePatch } from './prepared_patches.ts';
