/** The addon's devices as tfjs backends: `native` on any CPU, `cuda` on NVIDIA GPUs. */
import type { BackendLoader } from '@doppel/core/backends';
import { BackendError } from '@doppel/core/errors';
import * as tf from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.ts';
import { NativeBackend } from './backend.ts';
import { registerKernels } from './kernels.ts';

export { type Addon, candidates, type LoadResult, loadAddon } from './addon.ts';
export { NativeBackend, NativeOpError } from './backend.ts';

/**
 * Registers the backend `native`, once. Rejects with every reason where the addon is missing, does not load, or lacks the
 * instruction set that DOPPEL_NATIVE_ISA (generic, avx2, avx512, neon) names.
 */
export async function loadNative(): Promise<{ device: string }> {
  const existing = tf.findBackend('native') as NativeBackend | null;
  const backend = existing ?? registerNative();
  const threads = backend.addon.threads();
  return { device: `${backend.isa}, ${threads} thread${threads === 1 ? '' : 's'}` };
}

function registerNative(): NativeBackend {
  const loaded = loadAddon();
  if (!loaded.available)
    throw new BackendError({ backend: 'native', action: 'load the native addon', found: loaded.reason });
  const backend = new NativeBackend(loaded.addon, process.env.DOPPEL_NATIVE_ISA ?? '');
  backend.precision = precisionFrom(process.env.DOPPEL_NATIVE_PRECISION);
  registerKernels('native');
  tf.registerBackend('native', () => backend, 1);
  return backend;
}

/** DOPPEL_NATIVE_PRECISION: fp32 (where it is not set) or bf16. */
function precisionFrom(name: string | undefined): NativeBackend['precision'] {
  if (name === undefined || name === '' || name === 'fp32') return 'fp32';
  if (name === 'bf16') return 'bf16';
  throw new BackendError({
    backend: 'native',
    action: 'use DOPPEL_NATIVE_PRECISION',
    expected: 'fp32 or bf16',
    found: `"${name}"`,
  });
}

/** The backend `native` where it is loaded, for counts of fallbacks, transfers and memory. */
export function nativeBackend(): NativeBackend | undefined {
  return (tf.findBackend('native') as NativeBackend | null) ?? undefined;
}

/** Loaders for the devices of the addon, most capable first. Each rejects with the reason when it cannot serve. */
export function nativeBackendLoaders(): BackendLoader[] {
  const cuda = async () => {
    throw new BackendError({
      backend: 'cuda',
      action: 'load the device cuda',
      found: 'an addon that was built without CUDA',
    });
  };
  return [
    { name: 'cuda', load: cuda },
    { name: 'native', load: loadNative },
  ];
}
