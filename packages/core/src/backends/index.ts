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
export type { CapturedStep, InputValues, StepCapture, StepToCapture } from './step_capture.ts';
export { provideWasmBinary } from './wasm_binary.ts';
