/**
 * Reads the bodies of large requests on a thread: parsing megabytes of JSON on the event loop would hold up all other
 * requests. Small bodies are read at once, as the round trip to the thread takes longer.
 */
import { Worker } from 'node:worker_threads';
import { ServerError } from '../errors.ts';
import { type Problem, ProblemError } from '../problem.ts';
import { workerUrl } from '../scoring/worker_url.ts';
import { type InferBody, type InferRequest, type ReadTensors, readTensors } from './infer_request.ts';
import type { Item } from './items.ts';
import type { Limits } from './limits.ts';
import { type Body, type ReadItems, readItems } from './read_items.ts';
import { type ReadSearch, readSearch, type SearchRequest } from './search_request.ts';

/** Bytes from which a body goes to the thread: some milliseconds of parsing. */
const LARGE = 2 ** 18;

export type ReadRequest = { id: number } & (
  | { pairs: Body; limits: Limits }
  | { search: Body; limits: Limits }
  | { tensors: InferBody }
);

/** Items of pairs, a search, or the request that tensors make. */
type Read = Item[] | SearchRequest | InferRequest;
export type ReadReply = { id: number } & ({ read: Read } | { problem: Problem } | { failure: string });

interface Pending {
  resolve(read: Read): void;
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
    return this.#ask({ id: this.#count++, pairs: body, limits }, body.bytes) as Promise<Item[]>;
  };

  /** Search of a body. @throws ProblemError as `readSearch`; ServerError if the thread died. */
  readonly readSearch: ReadSearch = (body, limits) => {
    if (body.bytes.length < LARGE) return readSearch(body, limits);
    return this.#ask({ id: this.#count++, search: body, limits }, body.bytes) as Promise<SearchRequest>;
  };

  /** Tensors of a body. @throws ProblemError as `readTensors`; ServerError if the thread died. */
  readonly readTensors: ReadTensors = (body) => {
    // Raw tensors are copied only, which is quicker than the way to the thread and back.
    if (body.bytes.length < LARGE || body.headerLength !== null) return readTensors(body);
    return this.#ask({ id: this.#count++, tensors: body }, body.bytes) as Promise<InferRequest>;
  };

  #ask(request: ReadRequest, { buffer }: Uint8Array): Promise<Read> {
    this.#worker ??= this.#start();
    const { id } = request;
    const read = new Promise<Read>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage(request, [buffer as ArrayBuffer]);
    return read.finally(() => this.#pending.delete(id));
  }

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
    if ('read' in reply) pending?.resolve(reply.read);
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
