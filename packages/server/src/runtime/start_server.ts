/** Starts a whole server on Node or Deno (port, app, metrics, threads) and ends its parts in the right order. */
import { VERSION } from '@doppel/core';
import { type App, createApp } from '../app.ts';
import { ReadingThread } from '../body/reading_thread.ts';
import type { ServedModel } from '../scoring/scoring_service.ts';
import { WorkerScoring } from '../scoring/worker_scoring.ts';
import type { ServerSettings } from './flags.ts';
import type { Listening, ListenOptions } from './listening.ts';
import { prometheusMetrics } from './prometheus.ts';

export interface StartOptions {
  settings: ServerSettings;
  /** Bytes of `settings.model`, by `readModel` of `@doppel/core`. */
  model: Uint8Array;
  /** Receives the server's own failures and restarts of its threads. */
  log(line: string): void;
}

export interface RunningServer {
  readonly url: string;
  readonly served: ServedModel;
  /** Refuses new requests, answers those in progress, ends the threads. */
  close(): Promise<void>;
}

/**
 * Starts a server. It listens at once, so that `/healthz` answers while the model loads, and resolves when pairs can be
 * scored.
 *
 * @throws ServerError if the port, the model or the backend fails; nothing is left running.
 */
export async function startServer({ settings, model, log }: StartOptions): Promise<RunningServer> {
  const { limits, backend, workers, drainMs, port, host, model: file } = settings;
  const metrics = prometheusMetrics(log);
  let isDraining = false;
  const scoring = new WorkerScoring({ ...limits, model, file, backend, workers, log, observer: metrics });
  const reading = new ReadingThread();
  const app: App = createApp({
    scorer: scoring,
    limits,
    readItems: reading.readItems,
    metrics,
    log,
    isDraining: () => isDraining,
  });
  let listening: Listening | undefined;
  const close = async () => {
    isDraining = true;
    await listening?.close(drainMs);
    await Promise.all([scoring.close(0), reading.close()]);
  };
  try {
    listening = await listenHere({ fetch: (request) => app.fetch(request), port, host, timeoutMs: limits.timeoutMs });
    return { url: listening.url, served: await scoring.info(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** HTTP server of this runtime, loaded when it is needed. @throws ServerError if it cannot listen. */
async function listenHere(options: ListenOptions): Promise<Listening> {
  if ('Deno' in globalThis) return (await import('./listen_deno.ts')).listenDeno(options);
  return (await import('./listen_node.ts')).listenNode(options);
}

/** Line for a terminal when the server is ready. */
export function startupLine({ url, served }: RunningServer, { workers }: ServerSettings): string {
  const { name, info, backend, device } = served;
  const threads = workers === 1 ? '1 scoring thread' : `${workers} scoring threads`;
  const model = `${name} (${info.preset}, side ${info.side})`;
  return `doppel ${VERSION} serves ${model} at ${url}, backend ${backend}${device ? ` (${device})` : ''}, ${threads}`;
}

/** Object that `--json` prints when the server is ready. */
export function startupJson({ url, served }: RunningServer): { url: string; backend: string; model: string } {
  return { url, backend: served.backend, model: served.name };
}
