/** What every command is given: files, logging, progress, Ctrl-C and the choice of a backend. */

import { UsageError } from '@doppel/core';
import { type BackendLoader, type BackendName, type SelectedBackend, selectBackend } from '@doppel/core/backends';
import type { ArgsDef } from 'citty';
import { FileStore } from './file_store.ts';
import { type Progress, startProgress } from './progress.ts';

export interface Context {
  readonly store: FileStore;
  /** Aborted by the first Ctrl-C (or SIGTERM): finish the step, save, return. */
  readonly signal: AbortSignal;
  /** A line for the person at the terminal; always on stderr, so that stdout stays for results. */
  log(line: string): void;
  progress(label: string, total: number, unit: string): Progress;
  /**
   * The backend asked for, else DOPPEL_BACKEND, else the first that works. Announces it.
   *
   * @param precision of convolutions and matrix products; an error where the backend does not serve it.
   */
  selectBackend(requested?: string, precision?: Precision): Promise<SelectedBackend>;
  /** Loaders of the native addon, for `doctor`. */
  backendLoaders(): Promise<BackendLoader[]>;
}

export const PRECISIONS = ['fp32', 'fp32-fast', 'tf32', 'bf16'] as const;
export type Precision = (typeof PRECISIONS)[number];
const PRECISION_HELP =
  'Of convolutions and matrix products; fp32-fast: native, training by Winograd forwards too; tf32: cuda; bf16: cuda, or native when scoring';

/** Flags of commands that compute. */
export const BACKEND_FLAG = {
  backend: { type: 'string', description: 'cuda, native, wasm or cpu; default: the first that works' },
} as const satisfies ArgsDef;
export const COMPUTE_FLAGS = {
  ...BACKEND_FLAG,
  precision: { type: 'enum', options: [...PRECISIONS] as Precision[], description: PRECISION_HELP },
} as const satisfies ArgsDef;

/** Other backends compute in fp32 only. */
const SERVED: Partial<Record<BackendName, readonly Precision[]>> = {
  cuda: ['fp32', 'tf32', 'bf16'],
  'cuda-emulated': ['fp32', 'tf32', 'bf16'],
  native: ['fp32', 'fp32-fast', 'bf16'],
};

/** Set by the entry point, the only place that knows of the native addon. */
export type LoadBackendLoaders = () => Promise<BackendLoader[]>;

export function createContext(signal: AbortSignal, loadBackendLoaders: LoadBackendLoaders): Context {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  return {
    store: new FileStore(),
    signal,
    log,
    progress: startProgress,
    backendLoaders: loadBackendLoaders,
    async selectBackend(requested, precision) {
      // The addon reads it when it loads.
      if (precision) process.env.DOPPEL_PRECISION = precision;
      // One backend alone serves tf32: where it cannot, that is the reason to give.
      const wanted = requested ?? process.env.DOPPEL_BACKEND ?? (precision === 'tf32' ? 'cuda' : undefined);
      const selected = await selectBackend({
        ...(wanted && { requested: wanted }),
        loaders: await loadBackendLoaders(),
      });
      if (precision) checkServed(precision, selected.name);
      log(`backend: ${selected.name}${selected.device ? ` (${selected.device})` : ''}`);
      return selected;
    },
  };
}

function checkServed(precision: Precision, backend: BackendName): void {
  const served: readonly Precision[] = SERVED[backend] ?? ['fp32'];
  if (served.includes(precision)) return;
  const remedy = 'Leave --precision out, or see `doppel doctor` for the backends cuda and native.';
  const expected = `a precision that the backend ${backend} serves: ${served.join(', ')}`;
  throw new UsageError({ action: 'use --precision', expected, found: precision, remedy });
}
