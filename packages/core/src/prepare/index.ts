export { fitNormalisation, type Normalisation, normalisationOptionsSchema, quantile } from './normalisation.ts';
export { PatchCache, preparePatch } from './prepared_patches.ts';
