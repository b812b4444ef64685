/** The native addon's loader. */
import type { BackendLoader } from '@doppel/core/backends';

const notBuilt = async () => {
  throw new Error('the addon is not built');
};

/** Loaders for the devices of the addon, most capable first. Each rejects with the reason when it cannot serve. */
export function nativeBackendLoaders(): BackendLoader[] {
  return [
    { name: 'cuda', load: notBuilt },
    { name: 'native', load: notBuilt },
  ];
}
