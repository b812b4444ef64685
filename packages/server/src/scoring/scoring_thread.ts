/** One scoring thread as the server sees it: started, given batches, found dead. */
import { Worker } from 'node:worker_threads';
import { ServerError } from '../errors.ts';
import type { PlainError, ScoreRequest, WorkerReply, WorkerTask } from './scoring_messages.ts';
import type { PairInput, PairOutcome, ServedModel } from './scoring_service.ts';
import { buffersOf } from './transfer.ts';
import { workerUrl } from './worker_url.ts';

export const WORKER_MAIN = workerUrl('scoring_main', import.meta.url);

export interface ThreadOptions {
  task: WorkerTask;
  main: URL;
  /** A batch that takes longer is taken for hung, and the thread is ended. */
  batchTimeoutMs: number;
  /** Called once when the thread is gone, whatever the reason. */
  onEnd(reason: Error): void;
}

interface Pending {
  resolve(outcomes: PairOutcome[]): void;
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
    this.served.catch(() => {}); // told by whoever awaits it
    this.#worker.on('error', (cause) =>
      this.#over(broken('the scoring thread failed', String(cause?.message ?? cause), cause)),
    );
    this.#worker.on('exit', (code) => this.#over(broken('the scoring thread ended', `exit code ${code}`)));
  }

  /** Takes the images along. @throws ServerError where the batch broke down, took too long, or the thread died over it. */
  score(pairs: readonly PairInput[]): Promise<PairOutcome[]> {
    if (this.#end) return Promise.reject(this.#end);
    const batch = this.#batches++;
    const { batchTimeoutMs } = this.#options;
    const hung = setTimeout(() => {
      this.#over(broken('a batch did not end', `${pairs.length} pairs in more than ${batchTimeoutMs / 1000} s`));
      void this.stop();
    }, batchTimeoutMs);
    const result = new Promise<PairOutcome[]>((resolve, reject) => this.#pending.set(batch, { resolve, reject }));
    this.#worker.postMessage({ batch, pairs } satisfies ScoreRequest, buffersOf(pairs));
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
      this.#over(revive(reply.error));
      void this.stop();
    } else if (reply.kind === 'scored') this.#pending.get(reply.batch)?.resolve(reply.outcomes);
    else this.#pending.get(reply.batch)?.reject(broken('a batch broke down', reply.error.message));
  }

  #over(reason: Error): void {
    if (this.#end) return;
    this.#end = reason;
    this.#failLoading(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#options.onEnd(reason);
  }
}

function broken(what: string, found: string, cause?: unknown): ServerError {
  return new ServerError({ action: `score, as ${what}`, found, cause });
}

/** The thread's error with its message whole; its class is not needed here. */
function revive({ message, action, expected, found, remedy, file }: PlainError): ServerError {
  if (action === undefined) return new ServerError({ action: 'load the model', found: message });
  const where = file === undefined ? action : `${action} ${file}`;
  const facts = { ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) };
  return new ServerError({ action: where, ...facts, ...(remedy !== undefined && { remedy }) });
}
