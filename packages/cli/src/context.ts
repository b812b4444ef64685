/** What every command is given: files, logging, long work and the choice of a backend. */
import { UsageError } from '@doppel/core';
import { type BackendLoader, type BackendName, type SelectedBackend, selectBackend } from '@doppel/core/backends';
import { FileStore } from './file_store.ts';
import { choice, text } from './flags.ts';
import { Interrupted, type Outcome } from './outcome.ts';
import { type Progress, startProgress, type Terminal } from './progress.ts';

export interface Context {
  readonly store: FileStore;
  /** Aborted by the first Ctrl-C (or SIGTERM): finish the step, save, return. */
  readonly signal: AbortSignal;
  /** A line for the person at the terminal; always on stderr, so that stdout stays for results. */
  log(line: string): void;
  /**
   * Runs long work with a progress bar. Ctrl-C reaches the work as its signal; work that ends by throwing the signal's reason
   * becomes the outcome `interrupted` with exit code 130, and work that saves and returns says so itself.
   */
  work<T>(plan: WorkPlan, run: (watch: Watch) => Promise<T>): Promise<T>;
  /** The backend asked for, else DOPPEL_BACKEND, else the first that works. Logs it. */
  selectBackend(wanted: ComputeOptions): Promise<SelectedBackend>;
  /** Loaders of the native addon. */
  backendLoaders(options?: NativeOptions): Promise<BackendLoader[]>;
}

export interface WorkPlan {
  /** Before the bar. */
  label: string;
  /** What is counted. */
  unit: string;
  /** What is left after Ctrl-C. Default: nothing was written. */
  interrupted?: Partial<Outcome>;
}

/** What long work is given; its parts go into the task of the core as they are. */
export interface Watch {
  readonly signal: AbortSignal;
  /** @param note a few words behind the bar, such as the loss. */
  onProgress(done: number, total: number, note?: string): void;
  /** A line above the bar. */
  onLog(line: string): void;
  /** Another part of the work, with a bar of its own. */
  onPhase(label: string): void;
}

const PRECISIONS = ['fp32', 'fp32-fast', 'tf32', 'bf16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Options of the native addon. */
export interface NativeOptions {
  /** Precision of convolutions and matrix products. */
  precision?: Precision | undefined;
  threads?: number | undefined;
  /** Instruction set. */
  isa?: string | undefined;
}

export interface ComputeOptions extends NativeOptions {
  backend?: string | undefined;
}

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

/** Other backends compute in fp32 only. */
const SERVED: Partial<Record<BackendName, readonly Precision[]>> = {
  cuda: ['fp32', 'tf32', 'bf16'],
  'cuda-emulated': ['fp32', 'tf32', 'bf16'],
  native: ['fp32', 'fp32-fast', 'bf16'],
};

/** Set by the entry point, the only place that knows of the native addon. */
export type LoadBackendLoaders = (options?: NativeOptions) => Promise<BackendLoader[]>;

/** @param terminal takes log and progress. */
export function createContext(
  signal: AbortSignal,
  backendLoaders: LoadBackendLoaders,
  terminal: Terminal = process.stderr,
): Context {
  const log = (line: string) => void terminal.write(`${line}\n`);
  return {
    store: new FileStore(),
    signal,
    log,
    work: (plan, run) => work(plan, run, signal, terminal),
    backendLoaders,
    async selectBackend({ backend, ...native }) {
      const { precision } = native;
      // One backend alone serves tf32: if it does not work, its reason is the one to give.
      const wanted = backend ?? process.env.DOPPEL_BACKEND ?? (precision === 'tf32' ? 'cuda' : undefined);
      const selected = await selectBackend({
        ...(wanted && { requested: wanted }),
        loaders: await backendLoaders(native),
      });
      if (precision) checkServed(precision, selected.name);
      log(`backend: ${selected.name}${selected.device ? ` (${selected.device})` : ''}`);
      return selected;
    },
  };
}

async function work<T>(
  { label, unit, interrupted }: WorkPlan,
  run: (watch: Watch) => Promise<T>,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<T> {
  let phase = label;
  let bar: Progress | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  try {
    return await run({
      signal,
      onProgress(done, total, note) {
        bar ??= startProgress(phase, total, unit, terminal);
        bar.update(done, note);
      },
      onLog(line) {
        stop(); // the bar starts again below the line
        terminal.write(`${line}\n`);
      },
      onPhase(name) {
        if (name !== phase) stop();
        phase = name;
      },
    });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    throw new Interrupted(interrupted);
  } finally {
    stop();
  }
}

function checkServed(precision: Precision, backend: BackendName): void {
  const served: readonly Precision[] = SERVED[backend] ?? ['fp32'];
  if (served.includes(precision)) return;
  const remedy = 'Leave --precision out, or see `doppel doctor` for the backends cuda and native.';
  const expected = `a precision that the backend ${backend} serves: ${served.join(', ')}`;
  throw new UsageError({ action: 'use --precision', expected, found: precision, remedy });
}
