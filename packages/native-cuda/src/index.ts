/** The addon's devices as tfjs backends: `native` on any CPU, `cuda` on NVIDIA GPUs. */
import { existsSync } from 'node:fs';
import { BackendError } from '@doppel/core';
import type { BackendLoader, LoadedBackend } from '@doppel/core/backends';
import * as tf from '@tensorflow/tfjs-core';
import { type Addon, type Cards, candidates, EMULATED_ADDON, loadAddon } from './addon.ts';
import { AddonBackend, type Precision } from './backend.ts';
import { capturerOf } from './captured_step.ts';
import { registerKernels } from './kernels.ts';

export {
  type Addon,
  type Cards,
  candidates,
  type Device,
  EMULATED_ADDON,
  type LoadResult,
  loadAddon,
} from './addon.ts';
export { AddonBackend, NativeOpError, type Precision } from './backend.ts';
export { captureStep } from './captured_step.ts';
export { GraphError, type GraphReason } from './graph_error.ts';

type AddonDevice = 'native' | 'cuda' | 'cuda-emulated';

/**
 * Registers the backend `native`, once. Rejects with every reason where the addon is missing, does not load, or lacks the
 * instruction set that DOPPEL_NATIVE_ISA (generic, avx2, avx512, neon) names.
 */
async function loadNative({ precision, isa, threads }: NativeOptions): Promise<{ device: string }> {
  const addon = addonFor('native', candidates());
  const backend = registered('native', () => {
    const made = new AddonBackend(new addon.Device('native', isa ?? process.env.DOPPEL_NATIVE_ISA ?? ''));
    const served = precisionFrom('native', precision, ['fp32', 'fp32-fast', 'bf16']);
    made.exactForward = served !== 'fp32-fast';
    made.precision = served === 'fp32-fast' ? 'fp32' : served;
    return made;
  });
  const count = addon.threads(threads);
  return { device: `${backend.device.name}, ${count} thread${count === 1 ? '' : 's'}` };
}

/** Registers a backend on the first card that can serve, or on the one that DOPPEL_CUDA_DEVICE numbers from 0. */
async function loadCuda(
  name: 'cuda' | 'cuda-emulated',
  files: readonly string[],
  { precision }: NativeOptions,
): Promise<LoadedBackend> {
  const addon = addonFor(name, files);
  const backend = registered(name, () => {
    const made = new AddonBackend(new addon.Device('cuda', chooseCard(name, addon.cards())));
    made.precision = precisionFrom(name, precision, ['fp32', 'tf32', 'bf16']);
    made.tracedPrecision = made.precision;
    return made;
  });
  return { device: backend.device.name, captureStep: capturerOf(backend) };
}

function addonFor(backend: AddonDevice, files: readonly string[]): Addon {
  const loaded = loadAddon(files);
  if (!loaded.available) throw new BackendError({ backend, action: 'load the native addon', found: loaded.reason });
  return loaded.addon;
}

function chooseCard(backend: AddonDevice, { problem, cards }: Cards): number {
  const action = 'find a card';
  if (problem) throw new BackendError({ backend, action, found: problem });
  const named = process.env.DOPPEL_CUDA_DEVICE;
  if (named) {
    const index = Number(named);
    if (Number.isInteger(index) && index >= 0 && index < cards.length) return index;
    const expected = `a number from 0 to ${cards.length - 1} in DOPPEL_CUDA_DEVICE`;
    throw new BackendError({ backend, action, expected, found: `"${named}"` });
  }
  const index = cards.findIndex((card) => !card.problem);
  if (index >= 0) return index;
  throw new BackendError({ backend, action, found: cards.map((card) => card.problem).join('; ') });
}

function registered(name: AddonDevice, make: () => AddonBackend): AddonBackend {
  const existing = addonBackend(name);
  if (existing) return existing;
  const backend = make();
  registerKernels(name);
  tf.registerBackend(name, () => backend, 1);
  return backend;
}

/** The precision asked for, else that of DOPPEL_PRECISION, else fp32. */
function precisionFrom<P extends Precision | 'fp32-fast'>(
  backend: AddonDevice,
  asked: string | undefined,
  served: readonly P[],
): P {
  const name = asked ?? (process.env.DOPPEL_PRECISION || 'fp32');
  const found = served.find((each) => each === name);
  if (found) return found;
  throw new BackendError({
    backend,
    action: asked === undefined ? 'use DOPPEL_PRECISION' : 'use the precision',
    expected: served.join(' or '),
    found: `"${name}"`,
  });
}

/** A backend of the addon where it is loaded, for counts of fallbacks, transfers and memory. */
export function addonBackend(name: AddonDevice): AddonBackend | undefined {
  return (tf.findBackend(name) as AddonBackend | null) ?? undefined;
}

/** Options go before the environment variables of the same meaning. */
export interface NativeOptions {
  /** Precision of convolutions and matrix products. */
  precision?: Precision | 'fp32-fast' | undefined;
  /** Threads of the backend native. */
  threads?: number | undefined;
  /** Instruction set of native. */
  isa?: string | undefined;
}

/** Loaders for the devices of the addon, most capable first. Each rejects with the reason when it cannot serve. */
export function nativeBackendLoaders(options: NativeOptions = {}): BackendLoader[] {
  const loaders: BackendLoader[] = [
    { name: 'cuda', load: () => loadCuda('cuda', candidates(), options) },
    { name: 'native', load: () => loadNative(options) },
  ];
  // Built by the tests.
  if (existsSync(EMULATED_ADDON))
    loaders.push({ name: 'cuda-emulated', load: () => loadCuda('cuda-emulated', [EMULATED_ADDON], options) });
  return loaders;
}
