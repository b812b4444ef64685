/** The loaders of the native addon, as an entry point would give them; a package that is absent is a reason to skip. */
import {
  type BackendLoader,
  type BackendName,
  type BackendReport,
  examineBackends,
  type SelectedBackend,
  selectBackend,
} from '../packages/core/src/backends/select_backend.ts';

/** The kernels of `cuda` by the emulator, where its addon is built. */
export const EMULATED_CUDA = 'cuda-emulated';

export async function backendLoaders(): Promise<BackendLoader[]> {
  const { nativeBackendLoaders } = await import('@doppel/native-cuda');
  return nativeBackendLoaders();
}

/**
 * Makes the fastest backend of the processor the current one of tfjs: `native` where the addon is built, else `wasm`.
 * Never `cuda`: what is not about cards runs alike with and without one.
 */
export async function selectProcessorBackend(): Promise<SelectedBackend> {
  const loaders = await backendLoaders();
  return selectBackend({ loaders: loaders.filter(({ name }) => name !== 'cuda') });
}

/** Which backends the tests can use here, the emulator among them. */
export async function backendReports(): Promise<Record<BackendName, BackendReport>> {
  const loaders = await backendLoaders();
  const { report } = await examineBackends(loaders);
  const emulated = loaders.some(({ name }) => name === EMULATED_CUDA)
    ? { available: true }
    : { available: false, reason: 'its addon is not built: `node packages/native-cuda/scripts/build.mjs --tests`' };
  return { ...report, [EMULATED_CUDA]: emulated };
}
