/** Loaders of the backends: each registers one with tfjs, or rejects with every reason why it cannot serve. */
import { existsSync } from 'node:fs';
import type { BackendLoader, LoadedBackend } from '@doppel/core/backends';
import { BackendError } from '@doppel/core/errors';
import * as tf from '@tensorflow/tfjs-core';
import { type Addon, BUILT_ADDON, type Cards, EMULATED_ADDON, loadAddon } from './addon.ts';
import { AddonBackend, type Precision } from './backend.ts';
import { capturerOf, recorderOf } from './captured_step.ts';
import { registerKernels } from './kernels.ts';
import type { NativeOptions } from './options.ts';
import { sharedDeviceOf } from './shared_device.ts';

/** Backend of the CUDA kernels on the emulator, for tests: used on request only, never chosen by default. */
export const EMULATED_CUDA = 'cuda-emulated';

type AddonDevice = 'native' | 'cuda' | typeof EMULATED_CUDA;

/** Loaders of the addon's backends, most capable first; the emulator's where the tests have built it. */
export function nativeBackendLoaders(options: NativeOptions = {}): BackendLoader[] {
  const { addon = BUILT_ADDON } = options;
  const loaders: BackendLoader[] = [
    { name: 'cuda', load: () => loadCuda('cuda', addon, options) },
    { name: 'native', load: () => loadNative(addon, options) },
  ];
  if (existsSync(EMULATED_ADDON))
    loaders.push({ name: EMULATED_CUDA, load: () => loadCuda(EMULATED_CUDA, EMULATED_ADDON, options) });
  return loaders;
}

/** A backend of the addon where it is loaded, for counts of fallbacks, transfers and memory. */
export function addonBackend(name: AddonDevice): AddonBackend | undefined {
  const backend = tf.findBackend(name);
  return backend instanceof AddonBackend ? backend : undefined;
}

async function loadNative(file: string, { precision, threads, isa = '' }: NativeOptions): Promise<LoadedBackend> {
  const addon = addonFor('native', file);
  const wanted = precisionOf('native', precision, ['fp32', 'fp32-fast', 'bf16']);
  if (threads !== undefined) addon.threads(threads);
  const backend = registered('native', () => new addon.Device('native', isa));
  if (wanted) {
    backend.exactForward = wanted !== 'fp32-fast';
    backend.precision = wanted === 'fp32-fast' ? 'fp32' : wanted;
  }
  const count = addon.threads();
  return {
    device: `${backend.device.name}, ${count} thread${count === 1 ? '' : 's'}`,
    captureStep: capturerOf(backend),
    captureFunction: recorderOf(backend),
  };
}

async function loadCuda(
  name: 'cuda' | typeof EMULATED_CUDA,
  file: string,
  { precision, card, localRank = 0 }: NativeOptions,
): Promise<LoadedBackend> {
  const addon = addonFor(name, file);
  const wanted = precisionOf(name, precision, ['fp32', 'tf32', 'bf16']);
  const found = addon.cards();
  const chosen = chooseCard(name, found, card, localRank);
  const backend = registered(name, () => new addon.Device('cuda', chosen));
  if (wanted) {
    backend.precision = wanted;
    backend.tracedPrecision = wanted;
  }
  return {
    device: backend.device.name,
    captureStep: capturerOf(backend),
    shareDevice: sharedDeviceOf(backend, found.cards[chosen]!.id),
  };
}

function addonFor(backend: AddonDevice, file: string): Addon {
  const loaded = loadAddon([file]);
  if (!loaded.available) throw new BackendError({ backend, action: 'load the native addon', found: loaded.reason });
  return loaded.addon;
}

/** Card of that number, or the first that can serve; of several processes on this machine each takes the next. */
function chooseCard(
  backend: AddonDevice,
  { problem, cards }: Cards,
  card: number | undefined,
  localRank: number,
): number {
  const action = 'find a card';
  if (problem) throw new BackendError({ backend, action, found: problem });
  if (card !== undefined) {
    if (cards[card]) return card;
    const expected = `a number from 0 to ${cards.length - 1} in DOPPEL_CUDA_DEVICE`;
    throw new BackendError({ backend, action, expected, found: String(card) });
  }
  const usable = cards.flatMap((each, index) => (each.problem ? [] : [index]));
  if (usable.length > 0) return usable[localRank % usable.length]!;
  throw new BackendError({ backend, action, found: cards.map((each) => each.problem).join('; ') });
}

function registered(name: AddonDevice, open: () => AddonBackend['device']): AddonBackend {
  const existing = addonBackend(name);
  if (existing) return existing;
  const backend = new AddonBackend(open());
  registerKernels(name);
  tf.registerBackend(name, () => backend, 1);
  return backend;
}

/** Precision requested; undefined if none. */
function precisionOf<P extends Precision | 'fp32-fast'>(
  backend: AddonDevice,
  wanted: string | undefined,
  served: readonly P[],
): P | undefined {
  const found = served.find((each) => each === wanted);
  if (found || wanted === undefined) return found;
  throw new BackendError({ backend, action: 'use a precision', expected: served.join(' or '), found: `"${wanted}"` });
}
