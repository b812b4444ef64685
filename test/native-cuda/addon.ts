/** The native backend for the tests of this folder, or the reason why they are skipped. */
import { selectBackend } from '@doppel/core/backends';
import { reasonOf } from '@doppel/core/errors';
import { type AddonBackend, addonBackend, loadAddon, nativeBackendLoaders } from '@doppel/native-cuda';

const loaded = loadAddon();

export const addonFile = loaded.available ? loaded.file : undefined;
export const skipReason = loaded.available ? undefined : loaded.reason;
export const title = (text: string) => (skipReason ? `${text} (skipped: ${skipReason})` : text);

/** Makes `native` the current backend, on one instruction set. */
export async function useNative(isa = ''): Promise<AddonBackend> {
  await selectBackend({ requested: 'native', loaders: nativeBackendLoaders() });
  const backend = addonBackend('native');
  if (!backend) throw new Error('the backend native is selected and yet not there');
  const wanted = isa || isas[0];
  if (loaded.available && backend.device.name !== wanted) backend.device = new loaded.addon.Device('native', isa);
  return backend;
}

/** Those that this machine runs; empty where there is no addon. */
export const isas: readonly string[] = loaded.available ? loaded.addon.isas() : [];

export { reasonOf };
