/** @doppel/core: what most callers need; the rest is at the subpaths. */
export * from './errors.ts';
export * from './patches.ts';
export * from './random.ts';
export * from './raster.ts';
export * from './store.ts';
