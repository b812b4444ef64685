/**
 * Backends of tfjs (`native`, `cuda`, `wasm`, `cpu`): choosing one, doppel's own ops and the cases that every backend is tested
 * with, and steps that are captured and replayed.
 *
 * @module
 * @example
 * ```ts
 * import { selectBackend } from '@doppel/core/backends';
 *
 * const { name, device } = await selectBackend({ requested: 'cpu' });
 * console.log(name, '-', device); // cpu - JavaScript, one thread
 * ```
 */

export type { Activation } from '../ops/activation.ts';
export { denseCases, type OpCase, PARITY_CASES, runCase } from '../ops/cases.ts';
export { runKernelMulti } from '../ops/kernel.ts';
export { conv2d } from '../ops/ops.ts';
export { platformHere } from './platform.ts';
export {
  BACKENDS,
  type BackendLoader,
  type BackendName,
  examineBackends,
  type LoadedBackend,
  type SelectedBackend,
  selectBackend,
} from './select_backend.ts';
export { shareDevices } from './share_devices.ts';
export type {
  CapturedFunction,
  CapturedStep,
  FunctionCapture,
  InputValues,
  StepCapture,
  StepToCapture,
} from './step_capture.ts';
export { provideWasmBinary } from './wasm_binary.ts';
