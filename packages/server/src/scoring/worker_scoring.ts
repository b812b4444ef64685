/**
 * Scores on worker threads (Node and Deno), so that the event loop stays free. Each thread holds the model and takes one
 * batch at a time. If a thread dies, the requests of its batch fail and the thread is restarted.
 */
import { Batcher, type BatchingOptions, type BatchRunner } from './batcher.ts';
import type { WorkerTask } from './scoring_messages.ts';
import type {
  PairInput,
  PairOutcome,
  ScoringObserver,
  ScoringService,
  ServedModel,
  TileInput,
  TileOutcome,
  WorkInput,
  WorkOutcome,
} from './scoring_service.ts';
import { ScoringThread, WORKER_MAIN } from './scoring_thread.ts';

export interface WorkerScoringOptions extends BatchingOptions, WorkerTask {
  /** Number of threads. `cuda` and `native` use the whole device from one thread. */
  workers: number;
  observer?: ScoringObserver | undefined;
  log?: ((line: string) => void) | undefined;
  batchTimeoutMs?: number;
  /** Program of the threads, for tests. */
  main?: URL | undefined;
}

const BATCH_TIMEOUT_MS = 300_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** Milliseconds between two looks at the queue while it drains. */
const DRAIN_POLL_MS = 20;

export class WorkerScoring implements ScoringService {
  readonly #options: WorkerScoringOptions;
  readonly #batcher: Batcher<WorkInput, WorkOutcome>;
  readonly #threads = new Set<ScoringThread>();
  readonly #restarts = new Set<ReturnType<typeof setTimeout>>();
  readonly #loaded: Promise<ServedModel>;
  #isLoaded = false;
  #isClosed = false;

  /** Starts the threads; `info` resolves when they are ready. */
  constructor(options: WorkerScoringOptions) {
    this.#options = options;
    this.#batcher = new Batcher(options, options.observer);
    this.#loaded = this.#start();
    this.#loaded.catch(() => {}); // reported by `info`
  }

  async #start(): Promise<ServedModel> {
    try {
      const threads = Array.from({ length: this.#options.workers }, () => this.#startThread(0));
      const [served] = await Promise.all(threads);
      this.#isLoaded = true;
      return served!;
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  ready(): boolean {
    return this.#batcher.runners > 0;
  }

  /** Resolves when every thread is ready. @throws ServerError with the reason if the model or the backend fails. */
  info(): Promise<ServedModel> {
    return this.#loaded;
  }

  score(pairs: readonly PairInput[], signal?: AbortSignal): Promise<PairOutcome[]> {
    return this.#batcher.run(pairs, signal) as Promise<PairOutcome[]>;
  }

  describe(tiles: readonly TileInput[], signal?: AbortSignal): Promise<TileOutcome[]> {
    return this.#batcher.run(tiles, signal) as Promise<TileOutcome[]>;
  }

  /** Ends the threads when the waiting pairs are scored, or after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    const end = performance.now() + drainMs;
    while (!this.#batcher.isQuiet && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    this.#isClosed = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  async #startThread(failures: number): Promise<ServedModel> {
    const { model, file, backend, maxPixels, main = WORKER_MAIN, batchTimeoutMs = BATCH_TIMEOUT_MS } = this.#options;
    const state = { failures };
    const thread = new ScoringThread({
      ...{ task: { model, file, backend, maxPixels }, main, batchTimeoutMs },
      onEnd: (reason) => this.#onEnd(thread, runner, reason, state.failures),
    });
    const runner: BatchRunner<WorkInput, WorkOutcome> = async (work) => {
      const outcomes = await thread.run(work);
      state.failures = 0;
      return outcomes;
    };
    this.#threads.add(thread);
    const served = await thread.served;
    if (!this.#isClosed) this.#batcher.addRunner(runner);
    return served;
  }

  #onEnd(thread: ScoringThread, runner: BatchRunner<WorkInput, WorkOutcome>, reason: Error, failures: number): void {
    this.#threads.delete(thread);
    this.#batcher.removeRunner(runner);
    if (this.#isClosed || !this.#isLoaded) return; // before that, `info` reports the reason
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    this.#options.log?.(`${reason.message} A new one starts in ${pause} ms.`);
    this.#options.observer?.workerRestarted();
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.#startThread(failures + 1).catch(() => {}); // `onEnd` was called, and tries again
    }, pause);
    this.#restarts.add(restart);
  }
}
