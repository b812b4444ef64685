/**
 * The galleries on a thread of their own, with their models and cells, so that searches hold up neither the event loop nor
 * scores. If the thread dies, its requests fail, and the next one starts another.
 */
import { Worker } from 'node:worker_threads';
import { OverloadError, ServerError } from '../errors.ts';
import { workerUrl } from '../scoring/worker_url.ts';
import type { GalleryTask } from './gallery_engine.ts';
import type { GalleryReply, GalleryRequest } from './gallery_messages.ts';
import type {
  GalleryDescription,
  GalleryService,
  PictureOutcome,
  SearchInput,
  SearchOutcome,
} from './gallery_service.ts';

/** Searches that wait or run; each takes a second or so. */
const MAX_WAITING = 32;

type Outcome = SearchOutcome | PictureOutcome;

interface Pending {
  /** Pictures are drawn between the steps of searches, whose places they do not take. */
  readonly isSearch: boolean;
  resolve(outcome: Outcome): void;
  reject(reason: Error): void;
}

interface Running {
  worker: Worker;
  described: Promise<GalleryDescription[]>;
  /** Called if the thread ends. */
  fail(reason: Error): void;
}

export class GalleryThread implements GalleryService {
  readonly #task: GalleryTask;
  readonly #main: URL;
  readonly #log: (line: string) => void;
  readonly #pending = new Map<number, Pending>();
  #running: Running | undefined;
  #described: GalleryDescription[] = [];
  #count = 0;
  #isClosed = false;

  /** Resolves when the galleries are open. Rejects with a ServerError if one cannot be opened. */
  readonly opened: Promise<void>;

  /** @param main program of the thread, for tests. */
  constructor(task: GalleryTask, log: (line: string) => void, main: URL = workerUrl('gallery_main', import.meta.url)) {
    this.#task = task;
    this.#log = log;
    this.#main = main;
    this.opened = this.#open();
    this.opened.catch(() => {}); // reported to the caller that awaits it
  }

  async #open(): Promise<void> {
    try {
      this.#described = await this.#start().described;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  ready(): boolean {
    return this.#described.length > 0 && !this.#isClosed;
  }

  describe(): readonly GalleryDescription[] {
    return this.#described;
  }

  search(input: SearchInput, signal?: AbortSignal): Promise<SearchOutcome> {
    return this.#ask({ id: this.#count++, search: input }, signal) as Promise<SearchOutcome>;
  }

  picture(gallery: string, tile: string, signal?: AbortSignal): Promise<PictureOutcome> {
    return this.#ask({ id: this.#count++, picture: { gallery, tile } }, signal) as Promise<PictureOutcome>;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running?.worker.terminate();
  }

  async #ask(request: GalleryRequest, signal: AbortSignal | undefined): Promise<Outcome> {
    signal?.throwIfAborted();
    const waiting = [...this.#pending.values()].filter(({ isSearch }) => isSearch).length;
    if ('search' in request && waiting >= MAX_WAITING) throw overload(waiting);
    const { worker } = this.#running ?? this.#start();
    const { id } = request;
    const stop = () => {
      worker.postMessage({ id, stop: true } satisfies GalleryRequest);
      this.#pending.get(id)?.reject(signal!.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, isSearch: 'search' in request });
        worker.postMessage(request);
      });
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#pending.delete(id);
    }
  }

  #start(): Running {
    const worker = new Worker(this.#main, { workerData: this.#task, name: 'doppel-gallery' });
    let [ready, fail]: [(described: GalleryDescription[]) => void, (reason: Error) => void] = [() => {}, () => {}];
    const described = new Promise<GalleryDescription[]>((resolve, reject) => {
      [ready, fail] = [resolve, reject];
    });
    described.catch(() => {}); // reported to whoever waits for it
    const running = { worker, described, fail };
    this.#running = running;
    worker.on('message', (reply: GalleryReply) => this.#hear(reply, running, ready));
    worker.on('error', (cause) => this.#over(running, broken(String(cause?.message ?? cause), cause)));
    worker.on('exit', (code) => this.#over(running, broken(`a thread that ended with exit code ${code}`)));
    return running;
  }

  #hear(reply: GalleryReply, running: Running, ready: (described: GalleryDescription[]) => void): void {
    if (reply.kind === 'ready') ready(reply.described);
    else if (reply.kind === 'log') this.#log(reply.line);
    else if (reply.kind === 'failed') {
      this.#over(running, new ServerError(reply.why));
      void running.worker.terminate();
    } else if (reply.kind === 'done') this.#pending.get(reply.id)?.resolve(reply.outcome);
    else this.#pending.get(reply.id)?.reject(broken(reply.found));
  }

  /** The next request starts a new thread. */
  #over(running: Running, reason: Error): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    running.fail(reason);
    if (!this.#isClosed && this.#described.length > 0) this.#log(reason.message);
    for (const { reject } of this.#pending.values()) reject(reason);
  }
}

const broken = (found: string, cause?: unknown) => new ServerError({ action: 'search the galleries', found, cause });

const overload = (waiting: number) =>
  new OverloadError({
    ...{ action: 'search', expected: `fewer than ${MAX_WAITING} searches at a time`, found: String(waiting) },
    ...{ remedy: 'Try again later.', retryAfterSeconds: Math.ceil(waiting / 2) },
  });
