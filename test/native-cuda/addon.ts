/** The addon's backends for the tests of this folder, or the reason why they are skipped. */

import {
  type AddonBackend,
  addonBackend,
  EMULATED_ADDON,
  EMULATED_CUDA,
  loadAddon,
  nativeBackendLoaders,
} from '@doppel/native-cuda';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { reasonOf } from '../../packages/core/src/errors.ts';

const loaded = loadAddon();
const emulated = loadAddon([EMULATED_ADDON]);

export const addonFile = loaded.available ? loaded.file : undefined;
export const skipReason = loaded.available ? undefined : loaded.reason;
/** Of what needs the emulator of CUDA. */
export const emulatorSkipReason = emulated.available ? undefined : emulated.reason;
export const title = (text: string, reason = skipReason) => (reason ? `${text} (skipped: ${reason})` : text);

/** Makes `native` the current backend, on one instruction set. */
export async function useNative(isa = ''): Promise<AddonBackend> {
  const backend = await useDevice('native');
  const wanted = isa || isas[0];
  if (loaded.available && backend.device.name !== wanted) backend.device = new loaded.addon.Device('native', isa);
  return backend;
}

/** Why there is no card to test on. */
export const cardSkipReason =
  skipReason ??
  (loaded.available && loaded.addon.cards().cards.some((card) => !card.problem) ? undefined : cardProblem());

function cardProblem(): string {
  if (!loaded.available) return loaded.reason;
  const { problem, cards } = loaded.addon.cards();
  return problem || cards.map((card) => card.problem).join('; ');
}

export const DEVICES = [
  ['native', skipReason],
  ['cuda', cardSkipReason],
  [EMULATED_CUDA, emulatorSkipReason],
] as const;

export async function useDevice(name: (typeof DEVICES)[number][0]): Promise<AddonBackend> {
  await selectBackend({ requested: name, loaders: nativeBackendLoaders() });
  const backend = addonBackend(name);
  if (!backend) throw new Error(`the backend ${name} is selected and yet not there`);
  return backend;
}

/** Those that this machine runs; empty where there is no addon. */
export const isas: readonly string[] = loaded.available ? loaded.addon.isas() : [];

/** Sets the number of threads of `native`, and says how many there were. */
export function useThreads(count: number): number {
  if (!loaded.available) throw new Error(loaded.reason);
  const before = loaded.addon.threads();
  loaded.addon.threads(count);
  return before;
}

export { reasonOf };
