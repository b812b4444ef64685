/** The page's worker, started when it is first needed. */
import { type Remote, wrap } from 'comlink';
import type { PageWorker } from '../worker.ts';

let started: Remote<PageWorker> | undefined;

export function pageWorker(): Remote<PageWorker> {
  started ??= wrap<PageWorker>(new Worker(new URL(WORKER, import.meta.url), { type: 'module' }));
  return started;
}
