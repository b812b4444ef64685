/** The loaders of the native addon, as an entry point would give them; a package that is absent is a reason to skip. */
import type { BackendLoader } from '@doppel/core/backends';

export async function backendLoaders(): Promise<BackendLoader[]> {
  const { nativeBackendLoaders } = await import('@doppel/native-cuda');
  return nativeBackendLoaders();
}
