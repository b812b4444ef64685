/** Threads that import scenes: decoding and cutting them is work for all processors. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { importScene, type ScenePart, type SceneTask, type SceneThreads } from '@doppel/core/import';
import type { FileStore } from '@doppel/core/node';

/** Maximum number of threads: each holds a pair of scenes in memory. */
const MAX_THREADS = 8;
/** Scenes below which starting threads takes longer than they save. */
const MIN_SCENES = 6;

const MAIN = new URL('./scene_main.js', import.meta.url);

export interface SceneReply {
  /** Undefined where the import failed. */
  part: ScenePart | undefined;
}

interface Waiting {
  task: SceneTask;
  resolve(part: ScenePart): void;
  reject(reason: unknown): void;
}

/**
 * Runs work with threads, or with none where there are few scenes or one processor.
 *
 * @param main program of a thread, for tests.
 */
export async function withSceneThreads<T>(
  { store, scenes, signal }: { store: FileStore; scenes: number; signal: AbortSignal },
  work: (threads: SceneThreads | undefined) => Promise<T>,
  main: URL = MAIN,
): Promise<T> {
  const count = Math.min(availableParallelism(), MAX_THREADS);
  const isCompiled = !import.meta.url.endsWith('.ts');
  if (count < 2 || scenes < MIN_SCENES || (main === MAIN && !isCompiled)) return work(undefined);
  const pool = new ScenePool(store, count, main, signal);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

class ScenePool implements SceneThreads {
  readonly count: number;
  readonly #store: FileStore;
  readonly #signal: AbortSignal;
  readonly #workers: Worker[];
  readonly #idle: Worker[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #running = new Map<Worker, Waiting>();
  #closing: Promise<unknown> | undefined;

  constructor(store: FileStore, count: number, main: URL, signal: AbortSignal) {
    this.#store = store;
    this.count = count;
    this.#signal = signal;
    this.#workers = Array.from({ length: count }, () => this.#start(main));
    this.#idle.push(...this.#workers);
    signal.addEventListener('abort', this.#stop);
  }

  async import(task: SceneTask): Promise<ScenePart> {
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#stop);
    this.#closing ??= Promise.all(this.#workers.map((worker) => worker.terminate()));
    await this.#closing;
  }

  /** Ends the threads, then whatever waits for them: nothing is written to the folder any more. */
  readonly #stop = async () => {
    await this.close();
    for (const { reject } of [...this.#running.values(), ...this.#waiting]) reject(this.#signal.reason);
  };

  #start(main: URL): Worker {
    // web-worker, a dependency of geotiff, reads `workerData` when it loads and fails if there is none.
    const worker = new Worker(main, { name: 'doppel-scenes', workerData: {} });
    worker.on('message', ({ part }: SceneReply) => this.#hear(worker, part));
    worker.on('error', () => this.#lose(worker));
    worker.on('exit', () => this.#lose(worker));
    return worker;
  }

  #hear(worker: Worker, part: ScenePart | undefined): void {
    const done = this.#running.get(worker)!;
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (part) done.resolve(part);
    else this.#importHere(done);
    this.#next();
  }

  /** Imports the scene of a thread that died on this one. */
  #lose(worker: Worker): void {
    if (this.#closing || !this.#workers.includes(worker)) return;
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    if (this.#idle.includes(worker)) this.#idle.splice(this.#idle.indexOf(worker), 1);
    const lost = this.#running.get(worker);
    this.#running.delete(worker);
    if (lost) this.#importHere(lost);
    this.#next();
  }

  /** Imports a scene on this thread: what failed on another is thrown here, with its class. */
  #importHere({ task, resolve, reject }: Waiting): void {
    importScene(this.#store, task, this.#signal).then(resolve, reject);
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop();
      if (!worker && this.#workers.length > 0) return;
      const waiting = this.#waiting.shift()!;
      if (!worker) this.#importHere(waiting);
      else {
        this.#running.set(worker, waiting);
        worker.postMessage(waiting.task);
      }
    }
  }
}
