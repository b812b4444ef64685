/** @doppel/core: what most callers need; the rest is at the subpaths. */
export * from './errors.ts';
export * from './model.ts';
export * from './store.ts';
export { VERSION } from './version.ts';
