/**
 * Which tfjs backend runs: the first of cuda, native, wasm and cpu that works, or the one that was asked for, and then
 * a failure is an error that says why. After `selectBackend`, gradients and doppel's own ops are registered.
 */
import * as tf from '@tensorflow/tfjs-core';
import { BackendError, reasonOf, UsageError } from '../errors.ts';
import { registerOps } from '../ops/ops.ts';
import type { Communicator } from '../processes/communicator.ts';
import { prepareCpu } from './cpu.ts';
import type { FunctionCapture, StepCapture } from './step_capture.ts';
import { prepareWasm } from './wasm.ts';

export const BACKENDS = ['cuda', 'native', 'wasm', 'cpu'] as const;
/** One of those, or of the loaders that are given: such a one is used when it is asked for, and never chosen. */
export type BackendName = (typeof BACKENDS)[number] | (string & {});

/** Abilities that not every backend has. */
interface Abilities {
  /** Captures a step as a graph. */
  captureStep?: StepCapture;
  /** Records a function of tensors. */
  captureFunction?: FunctionCapture;
  /** Joins the devices of several processes, whose communicator then sums tensors without a way through the host. */
  shareDevice?: (communicator: Communicator, log: (line: string) => void) => Communicator;
}

const abilitiesOf = new WeakMap<tf.KernelBackend, Abilities>();

/** Abilities of the current backend; none where `selectBackend` did not load it. */
export const currentAbilities = (): Abilities => abilitiesOf.get(tf.backend()) ?? {};

export interface LoadedBackend extends Abilities {
  device: string;
}

export interface BackendLoader {
  name: BackendName;
  /** Registers the backend and its kernels with tfjs. Rejects with the reason where it cannot serve. */
  load(): Promise<LoadedBackend>;
}

export interface BackendReport extends Abilities {
  available: boolean;
  /** Why it is not available, and what to do. */
  reason?: string;
  device?: string;
}

export interface SelectedBackend extends Abilities {
  name: BackendName;
  device?: string;
  report: Record<BackendName, BackendReport>;
}

const BUILT_IN: readonly BackendLoader[] = [
  { name: 'wasm', load: prepareWasm },
  { name: 'cpu', load: prepareCpu },
];

export interface SelectOptions {
  /** A backend's name; a failure to load it is then an error. */
  requested?: string;
  /** Loaders of the addon (`cuda`, `native`), given by the entry points. */
  loaders?: readonly BackendLoader[];
}

/** Makes one backend the current one of tfjs. Throws `UsageError` for an unknown name, `BackendError` when none works. */
export async function selectBackend({ requested, loaders = [] }: SelectOptions = {}): Promise<SelectedBackend> {
  if (requested !== undefined && ![...BACKENDS, ...loaders.map(({ name }) => name)].includes(requested)) {
    throw new UsageError({
      action: 'choose a backend',
      expected: `one of ${BACKENDS.join(', ')}`,
      found: `"${requested}"`,
      remedy: 'Run `doppel doctor` to see which of them work here.',
    });
  }
  await registerOps();
  const report = {} as Record<BackendName, BackendReport>;
  for (const name of requested ? [requested] : BACKENDS) {
    report[name] = await tryBackend(name, [...loaders, ...BUILT_IN]);
    if (!report[name].available) continue;
    const { available: _, reason: __, ...found } = report[name];
    return { name, ...found, report };
  }
  throw new BackendError({
    backend: requested ?? 'any',
    action: `use the backend ${requested ?? BACKENDS.join(', ')}`,
    found: Object.entries(report)
      .map(([name, { reason }]) => `${name}: ${reason?.replace(/\.$/, '')}`)
      .join('; '),
    remedy: 'Run `doppel doctor` to see which backends work here, or leave --backend out.',
  });
}

/** Tries every backend and says how it went; leaves the best one as the current one. For `doppel doctor`. */
export async function examineBackends(loaders: readonly BackendLoader[]): Promise<SelectedBackend> {
  await registerOps();
  const report = {} as Record<BackendName, BackendReport>;
  for (const name of BACKENDS) report[name] = await tryBackend(name, [...loaders, ...BUILT_IN]);
  const selected = await selectBackend({ loaders });
  return { ...selected, report };
}

async function tryBackend(name: BackendName, loaders: readonly BackendLoader[]): Promise<BackendReport> {
  const loader = loaders.find((each) => each.name === name);
  if (!loader) return { available: false, reason: 'not part of this build' };
  try {
    const loaded = await loader.load();
    if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start the backend ${name}`);
    await tf.ready();
    abilitiesOf.set(tf.backend(), loaded);
    return { available: true, ...loaded };
  } catch (cause) {
    return { available: false, reason: reasonOf(cause) };
  }
}
