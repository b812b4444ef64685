/**
 * doppel tells whether a SAR and an optical patch show the same place. This entry opens a trained matcher and scores
 * pairs; the other entries hold the parts: rasters, data sets, matchers, generators, mining, training, evaluation.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { openModel } from '@doppel/core';
 * import { selectBackend } from '@doppel/core/backends';
 * import { decodeRaster } from '@doppel/core/raster';
 *
 * await selectBackend({ requested: 'wasm' });
 * const model = await openModel(await readFile('best.safetensors'), 'best.safetensors');
 * const sar = await decodeRaster(await readFile('sar.png'), 'sar.png');
 * const optical = await decodeRaster(await readFile('optical.png'), 'optical.png');
 * for (const { match, probability } of await model.score([{ sar, optical }])) {
 *   console.log(match, probability.toFixed(2)); // true 0.64
 * }
 * model.dispose();
 * ```
 */
export * from './errors.ts';
export * from './model.ts';
export * from './named_models.ts';
export * from './store.ts';
export { VERSION } from './version.ts';
