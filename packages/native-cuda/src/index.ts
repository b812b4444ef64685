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
async function loadNative(): Promise<{ device: string }> {
  const addon = addonFor('native', candidates());
  const backend = registered('native', () => {
    const made = new AddonBackend(new addon.Device('native', process.env.DOPPEL_NATIVE_ISA ?? ''));
    const precision = precisionFrom('native', ['fp32', 'fp32-fast', 'bf16']);
    made.exactForward = precision !== 'fp32-fast';
    made.precision = precision === 'fp32-fast' ? 'fp32' : precision;
    return made;
  });
  const threads = addon.threads();
  return { device: `${backend.device.name}, ${threads} thread${threads === 1 ? '' : 's'}` };
}

/** Registers a backend on the first card that can serve, or on the one that DOPPEL_CUDA_DEVICE numbers from 0. */
async function loadCuda(name: 'cuda' | 'cuda-emulated', files: readonly string[]): Promise<LoadedBackend> {
  const addon = addonFor(name, files);
  const backend = registered(name, () => {
    const made = new AddonBackend(new addon.Device('cuda', chooseCard(name, addon.cards())));
    made.precision = precisionFrom(name, ['fp32', 'tf32', 'bf16']);
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

/** DOPPEL_PRECISION: fp32 where it is not set. */
function precisionFrom<P extends Precision | 'fp32-fast'>(backend: AddonDevice, served: readonly P[]): P {
  const name = process.env.DOPPEL_PRECISION || 'fp32';
  const found = served.find((each) => each === name);
  if (found) return found;
  throw new BackendError({
    backend,
    action: 'use DOPPEL_PRECISION',
    expected: served.join(' or '),
    found: `"${name}"`,
  });
}

/** A backend of the addon where it is loaded, for counts of fallbacks, transfers and memory. */
export function addonBackend(name: AddonDevice): AddonBackend | undefined {
  return (tf.findBackend(name) as AddonBackend | null) ?? undefined;
}

/** Loaders for the devices of the addon, most capable first. Each rejects with the reason when it cannot serve. */
export function nativeBackendLoaders(): BackendLoader[] {
  const loaders: BackendLoader[] = [
    { name: 'cuda', load: () => loadCuda('cuda', candidates()) },
    { name: 'native', load: loadNative },
  ];
  // Built by the tests.
  if (existsSync(EMULATED_ADDON))
    loaders.push({ name: 'cuda-emulated', load: () => loadCuda('cuda-emulated', [EMULATED_ADDON]) });
  return loaders;
}
