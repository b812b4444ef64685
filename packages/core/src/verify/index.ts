/**
 * Verification of the current backend against reference values from PyTorch in double precision.
 *
 * @module
 * @example
 * ```ts
 * import { selectBackend } from '@doppel/core/backends';
 * import { FileStore } from '@doppel/core/node';
 * import { verify } from '@doppel/core/verify';
 *
 * await selectBackend({ requested: 'cpu' });
 * const { cases, failed } = await verify(new FileStore(), 'golden');
 * console.log(cases.length, failed.length); // 1 0
 * ```
 */
export { type TensorError, verify } from './verify.ts';
