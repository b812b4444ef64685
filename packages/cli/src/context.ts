/** Context of every command: files, logging, long work and the choice of a backend. */

import { type BackendLoader, type SelectedBackend, selectBackend } from '@doppel/core/backends';
import { UsageError } from '@doppel/core/errors';
import { FileStore } from '@doppel/core/node';
import type { Mpi } from '@doppel/native-cuda';
import { choice, text } from './flags.ts';
import type { Terminal } from './progress.ts';
import { type Watch, type WorkPlan, work } from './work.ts';

export interface Context {
  readonly store: FileStore;
  /** Aborted by the first Ctrl-C (or SIGTERM): finish the step, save, return. */
  readonly signal: AbortSignal;
  /** Prints a line for the user, always on stderr: stdout is for results. */
  log(line: string): void;
  /**
   * Runs long work with a progress bar. Ctrl-C reaches it as `watch.signal`: work that throws the signal's reason
   * becomes the outcome `interrupted` with exit code 130; work that saves and returns reports the stop itself.
   */
  work<T>(plan: WorkPlan, run: (watch: Watch) => Promise<T>): Promise<T>;
  /** The backend asked for, else DOPPEL_BACKEND, else the first that works. Logs it. */
  selectBackend(wanted: ComputeOptions): Promise<SelectedBackend>;
  backendLoaders: LoadBackendLoaders;
  /** Library that binds MPI, or the reason why there is none. */
  mpi(): Promise<Mpi>;
  /** Leaves all further lines and bars out: for a process beside the one that speaks. */
  silence(): void;
}

const PRECISIONS = ['fp32', 'fp32-fast', 'tf32', 'bf16'] as const;

/** Options of the native addon. */
export interface NativeOptions {
  /** Precision of convolutions and matrix products. */
  precision?: (typeof PRECISIONS)[number] | undefined;
  threads?: number | undefined;
  /** Instruction set. */
  isa?: string | undefined;
}

export interface ComputeOptions extends NativeOptions {
  backend?: string | undefined;
}

/** Loaders of the native addon: from the entry point, the only place that knows of it. */
export type LoadBackendLoaders = (options?: NativeOptions) => Promise<BackendLoader[]>;

/** Flags of commands that compute. */
export const BACKEND_FLAG = {
  backend: text('name', 'cuda, native, wasm or cpu; default: the first that works').optional(),
};
export const COMPUTE_FLAGS = {
  ...BACKEND_FLAG,
  precision: choice(
    PRECISIONS,
    'Precision of convolutions and matrix products; fp32-fast: native, Winograd in the forward pass of training too; tf32: cuda; bf16: cuda, or native when scoring',
  ).optional(),
};

const withoutAddon = async (): Promise<Mpi> => ({ available: false, reason: 'the native addon is not loaded' });

/** @param terminal takes log and progress. */
export function createContext(
  signal: AbortSignal,
  backendLoaders: LoadBackendLoaders,
  terminal: Terminal = process.stderr,
  mpi: () => Promise<Mpi> = withoutAddon,
): Context {
  let out = terminal;
  const log = (line: string) => void out.write(`${line}\n`);
  return {
    store: new FileStore(),
    signal,
    log,
    work: (plan, run) => work(plan, run, signal, out),
    ...{ backendLoaders, mpi },
    silence() {
      out = { isTTY: false, write: () => true };
    },
    async selectBackend({ backend, precision, threads, isa }) {
      // One backend alone serves tf32: if it does not work, its reason is the one to give.
      const requested = backend ?? process.env.DOPPEL_BACKEND ?? (precision === 'tf32' ? 'cuda' : undefined);
      const loaders = await backendLoaders({ precision, threads, isa });
      const selected = await selectBackend({ ...(requested && { requested }), loaders });
      refusePrecision(precision, selected);
      log(`backend: ${selected.name}${selected.device ? ` (${selected.device})` : ''}`);
      return selected;
    },
  };
}

/** The backends of the addon check their own precisions; those of core have one. */
function refusePrecision(precision: NativeOptions['precision'], { name }: SelectedBackend): void {
  if ((name !== 'wasm' && name !== 'cpu') || precision === undefined || precision === 'fp32') return;
  throw new UsageError({
    action: 'use --precision',
    expected: `fp32, the precision of the backend ${name}`,
    found: precision,
    remedy: 'Leave --precision out, or see `doppel doctor` for the backends cuda and native.',
  });
}
