/** Scoring thread as the server sees it: starts it, sends it batches, notices its end. */
import { Worker } from 'node:worker_threads';
import { ServerError } from '../errors.ts';
import type { ScoreRequest, WorkerReply, WorkerTask } from './scoring_messages.ts';
import type { ServedModel, WorkInput, WorkOutcome } from './scoring_service.ts';
import { buffersOf } from './transfer.ts';
import { workerUrl } from './worker_url.ts';

export const WORKER_MAIN = workerUrl('scoring_main', import.meta.url);

export interface ThreadOptions {
  task: WorkerTask;
  main: URL;
  /** Milliseconds after which a batch counts as hung and the thread is ended. */
  batchTimeoutMs: number;
  /** Called once when the thread has ended, for any reason. */
  onEnd(reason: Error): void;
}

interface Pending {
  resolve(outcomes: WorkOutcome[]): void;
  reject(reason: Error): void;
}

export class ScoringThread {
  readonly served: Promise<ServedModel>;
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #pending = new Map<number, Pending>();
  #batches = 0;
  #end: Error | undefined;
  #failLoading: (reason: Error) => void = () => {};

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.main, { workerData: options.task, name: 'doppel-scoring' });
    this.served = new Promise((resolve, reject) => {
      this.#failLoading = reject;
      this.#worker.on('message', (reply: WorkerReply) => this.#hear(reply, resolve));
    });
    this.served.catch(() => {}); // reported to the caller that awaits it
    this.#worker.on('error', (cause) => this.#over(broken('a failed thread', String(cause?.message ?? cause), cause)));
    this.#worker.on('exit', (code) => this.#over(broken('an ended thread', `exit code ${code}`)));
  }

  /** Works on a batch; its images move to the thread. @throws ServerError if the batch fails or hangs, or the thread dies. */
  run(work: readonly WorkInput[]): Promise<WorkOutcome[]> {
    if (this.#end) return Promise.reject(this.#end);
    const batch = this.#batches++;
    const { batchTimeoutMs } = this.#options;
    const hung = setTimeout(() => {
      this.#over(broken('a hanging batch', `${work.length} pairs, more than ${batchTimeoutMs / 1000} s`));
      void this.stop();
    }, batchTimeoutMs);
    const result = new Promise<WorkOutcome[]>((resolve, reject) => this.#pending.set(batch, { resolve, reject }));
    this.#worker.postMessage({ batch, work } satisfies ScoreRequest, buffersOf(work));
    return result.finally(() => {
      clearTimeout(hung);
      this.#pending.delete(batch);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #hear(reply: WorkerReply, loaded: (served: ServedModel) => void): void {
    if (reply.kind === 'ready') loaded(reply.served);
    else if (reply.kind === 'failed') {
      this.#over(new ServerError(reply.why));
      void this.stop();
    } else if (reply.kind === 'scored') this.#pending.get(reply.batch)?.resolve(reply.outcomes);
    else this.#pending.get(reply.batch)?.reject(broken('a failed batch', reply.found));
  }

  #over(reason: Error): void {
    if (this.#end) return;
    this.#end = reason;
    this.#failLoading(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#options.onEnd(reason);
  }
}

function broken(what: string, detail: string, cause?: unknown): ServerError {
  return new ServerError({ action: 'score the pairs', found: `${what} (${detail})`, cause });
}
