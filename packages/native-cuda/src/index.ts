/**
 * The tfjs backends `native` (any CPU) and `cuda` (NVIDIA GPUs) for doppel, from one Node-API addon. Only entry points load
 * this package; where it cannot serve, its loaders reject with the reason.
 *
 * @example Choosing a backend
 * ```ts
 * import { selectBackend } from '@doppel/core/backends';
 * import { nativeBackendLoaders } from '@doppel/native-cuda';
 *
 * const { name } = await selectBackend({ loaders: nativeBackendLoaders({ threads: 2 }) });
 * console.log(name); // native
 * ```
 *
 * @module
 */
export {
  type Addon,
  BUILT_ADDON,
  type Cards,
  type Device,
  EMULATED_ADDON,
  type Field,
  type LoadResult,
  loadAddon,
} from './addon.ts';
export { AddonBackend, NativeOpError, type Precision } from './backend.ts';
export { captureStep } from './captured_step.ts';
export { GraphError, type GraphReason } from './graph_error.ts';
export { addonBackend, EMULATED_CUDA, nativeBackendLoaders } from './loaders.ts';
export { loadMpi, type Mpi, type MpiCommunicator } from './mpi.ts';
export { type NativeOptions, optionsFrom } from './options.ts';
