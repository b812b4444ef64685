/**
 * Dynamic batching: pairs of concurrent requests wait a few milliseconds for each other and go through the network
 * together, as a batch costs little more than one pair. A runner takes one batch at a time; runners share the queue. Tiles
 * to be described wait in the same queue.
 */
import { OverloadError } from '../errors.ts';
import type { ScoringObserver } from './scoring_service.ts';

/** Works on one batch at a time. If it rejects, all requests with pairs in the batch fail. */
export type BatchRunner<In, Out> = (work: readonly In[]) => Promise<Out[]>;

export interface BatchingOptions {
  /** Largest number of pairs in a batch. */
  maxBatch: number;
  /** Milliseconds that the first pair of a batch waits for others while a runner is free. */
  batchDelayMs: number;
  /** Largest number of waiting pairs; further requests are refused. */
  maxQueuedPairs: number;
}

/** One call of `run`. */
interface Job<In, Out> {
  work: readonly In[];
  outcomes: Out[];
  remaining: number;
  settled: boolean;
  resolve(outcomes: Out[]): void;
  reject(reason: unknown): void;
}

interface Waiting<In, Out> {
  job: Job<In, Out>;
  index: number;
  since: number;
}

/** Weight of the last batch in the moving average of the rate. */
const RATE_WEIGHT = 0.2;
const LONGEST_RETRY_SECONDS = 60;

export class Batcher<In, Out> {
  readonly #options: BatchingOptions;
  readonly #observer: ScoringObserver | undefined;
  readonly #runners = new Set<BatchRunner<In, Out>>();
  readonly #idle: BatchRunner<In, Out>[] = [];
  #queue: Waiting<In, Out>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Pairs per second of one runner; undefined before the first batch. */
  #rate: number | undefined;

  constructor(options: BatchingOptions, observer?: ScoringObserver) {
    this.#options = options;
    this.#observer = observer;
  }

  get runners(): number {
    return this.#runners.size;
  }

  addRunner(runner: BatchRunner<In, Out>): void {
    this.#runners.add(runner);
    this.#idle.push(runner);
    this.#dispatch();
  }

  /** Gives `runner` no further batch. */
  removeRunner(runner: BatchRunner<In, Out>): void {
    this.#runners.delete(runner);
    const index = this.#idle.indexOf(runner);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Outcomes in the order of the work. @throws as `ScoringService.score`. */
  async run(work: readonly In[], signal?: AbortSignal): Promise<Out[]> {
    signal?.throwIfAborted();
    if (work.length === 0) return [];
    this.#refuseOverload(work.length);
    return new Promise((resolve, reject) => {
      const job: Job<In, Out> = { work, outcomes: [], remaining: work.length, settled: false, resolve, reject };
      const cancel = () => this.#fail(job, signal?.reason);
      signal?.addEventListener('abort', cancel, { once: true });
      job.resolve = (outcomes) => {
        signal?.removeEventListener('abort', cancel);
        resolve(outcomes);
      };
      const since = performance.now();
      for (let index = 0; index < work.length; index++) this.#queue.push({ job, index, since });
      this.#observer?.queued(this.#queue.length);
      this.#dispatch();
    });
  }

  #refuseOverload(added: number): void {
    const { maxQueuedPairs } = this.#options;
    const waiting = this.#queue.length;
    if (waiting + added <= maxQueuedPairs) return;
    throw new OverloadError({
      action: `queue ${added} pairs`,
      expected: `at most ${maxQueuedPairs} waiting pairs`,
      found: `${waiting} waiting already`,
      remedy: 'Try again later.',
      retryAfterSeconds: this.retryAfterSeconds(),
    });
  }

  /** Estimated seconds until the waiting pairs are scored, from the present rate. */
  retryAfterSeconds(): number {
    if (!this.#rate || this.#runners.size === 0) return 1;
    const seconds = Math.ceil(this.#queue.length / (this.#rate * this.#runners.size));
    return Math.min(Math.max(seconds, 1), LONGEST_RETRY_SECONDS);
  }

  #dispatch(): void {
    clearTimeout(this.#timer);
    const { maxBatch, batchDelayMs } = this.#options;
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const rest = this.#queue[0]!.since + batchDelayMs - performance.now();
      if (this.#queue.length < maxBatch && rest > 0) {
        this.#timer = setTimeout(() => this.#dispatch(), rest);
        return;
      }
      const batch = this.#queue.splice(0, maxBatch);
      this.#observer?.queued(this.#queue.length);
      void this.#run(this.#idle.shift()!, batch);
    }
  }

  async #run(runner: BatchRunner<In, Out>, batch: readonly Waiting<In, Out>[]): Promise<void> {
    const start = performance.now();
    try {
      const outcomes = await runner(batch.map(({ job, index }) => job.work[index]!));
      for (const [i, { job, index }] of batch.entries()) this.#accept(job, index, outcomes[i]!);
      const computed = (performance.now() - start) / 1000;
      this.#learnRate(batch.length / Math.max(computed, 1e-3));
      this.#observer?.batchDone({ waited: batch.map(({ since }) => (start - since) / 1000), computed });
    } catch (reason) {
      for (const { job } of batch) this.#fail(job, reason);
    }
    if (this.#runners.has(runner)) this.#idle.push(runner);
    this.#dispatch();
  }

  #accept(job: Job<In, Out>, index: number, outcome: Out): void {
    job.outcomes[index] = outcome;
    job.remaining--;
    if (job.remaining > 0 || job.settled) return;
    job.settled = true;
    job.resolve(job.outcomes);
  }

  /** Rejects a job and drops its waiting pairs. */
  #fail(job: Job<In, Out>, reason: unknown): void {
    if (job.settled) return;
    job.settled = true;
    this.#queue = this.#queue.filter((waiting) => waiting.job !== job);
    this.#observer?.queued(this.#queue.length);
    job.reject(reason);
  }

  #learnRate(rate: number): void {
    this.#rate = this.#rate === undefined ? rate : this.#rate + RATE_WEIGHT * (rate - this.#rate);
  }

  /** True if no pair waits and every runner is free. */
  get isQuiet(): boolean {
    return this.#queue.length === 0 && this.#idle.length === this.#runners.size;
  }
}
