/**
 * Loaders of the native addon, for entry points (a scoring thread is one). The addon is optional: if its package cannot be
 * imported, its loaders reject with that reason, and the choice of a backend reports it.
 */

import type { BackendLoader } from '@doppel/core/backends';
import { reasonOf } from '@doppel/core/errors';

/** Name kept out of `import`, so that neither the compiler nor a bundler needs the package. */
export const ADDON = '@doppel/native-cuda';

interface NativeAddon {
  optionsFrom(environment: NodeJS.ProcessEnv): object;
  nativeBackendLoaders(options: object): BackendLoader[];
}

export async function nativeLoaders(): Promise<BackendLoader[]> {
  try {
    const { nativeBackendLoaders, optionsFrom }: NativeAddon = await import(ADDON);
    return nativeBackendLoaders(optionsFrom(process.env));
  } catch (cause) {
    const load = async () => {
      throw new Error(`the package ${ADDON} does not load: ${reasonOf(cause)}`, { cause });
    };
    return (['cuda', 'native'] as const).map((name) => ({ name, load }));
  }
}
