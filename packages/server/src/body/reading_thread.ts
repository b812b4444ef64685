/**
 * Reads the bodies of large requests on a thread: parsing megabytes of JSON on the event loop would hold up all other
 * requests. Small bodies are read at once, as the round trip to the thread takes longer.
 */
import { Worker } from 'node:worker_threads';
import { ServerError } from '../errors.ts';
import { type Problem, ProblemError } from '../problem.ts';
import { workerUrl } from '../scoring/worker_url.ts';
import type { Item } from './items.ts';
import type { Limits } from './limits.ts';
import { type Body, type ReadItems, readItems } from './read_items.ts';

/** Bytes from which a body goes to the thread: some milliseconds of parsing. */
const LARGE = 2 ** 18;

export interface ReadRequest {
  id: number;
  body: Body;
  limits: Limits;
}

export type ReadReply = { id: number } & ({ items: Item[] } | { problem: Problem } | { failure: string });

interface Pending {
  resolve(items: Item[]): void;
  reject(reason: Error): void;
}

export class ReadingThread {
  readonly #main: URL;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #count = 0;

  /** @param main program of the thread, for tests. */
  constructor(main: URL = workerUrl('reading_main', import.meta.url)) {
    this.#main = main;
  }

  /** Items of a body. @throws ProblemError as `readItems`; ServerError if the thread died. */
  readonly readItems: ReadItems = (body, limits) => {
    if (body.bytes.length < LARGE) return readItems(body, limits);
    this.#worker ??= this.#start();
    const id = this.#count++;
    const items = new Promise<Item[]>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, body, limits } satisfies ReadRequest, [body.bytes.buffer as ArrayBuffer]);
    return items.finally(() => this.#pending.delete(id));
  };

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    // web-worker, a dependency of geotiff, reads `workerData` when it loads and fails if there is none.
    const worker = new Worker(this.#main, { name: 'doppel-reading', workerData: {} });
    worker.on('message', (reply: ReadReply) => this.#hear(reply));
    worker.on('error', (cause) => this.#over(worker, cause));
    worker.on('exit', (code) => this.#over(worker, new Error(`exit code ${code}`)));
    return worker;
  }

  #hear(reply: ReadReply): void {
    const pending = this.#pending.get(reply.id);
    if ('items' in reply) pending?.resolve(reply.items);
    else if ('problem' in reply) pending?.reject(new ProblemError(reply.problem));
    else pending?.reject(broken(reply.failure));
  }

  /** The next large request starts a new thread. */
  #over(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#pending.values()) reject(broken(cause.message, cause));
  }
}

const broken = (found: string, cause?: unknown) =>
  new ServerError({ action: 'read a request, as the reading thread failed', found, cause });
