/** Starts a whole server on Node or Deno (port, app, metrics, threads) and ends its parts in the right order. */
import { VERSION } from '@doppel/core';
import { FileStore, type FolderStore } from '@doppel/core/node';
import { KeyGuard } from '../access/key_guard.ts';
import { KeysFile } from '../access/keys_file.ts';
import { type App, createApp } from '../app.ts';
import { ReadingThread } from '../body/reading_thread.ts';
import { jobProcesses } from '../jobs/job_process.ts';
import { Jobs } from '../jobs/jobs.ts';
import type { JobObserver } from '../jobs/registrations.ts';
import { LEAST_RATE } from '../jobs/scene_upload.ts';
import type { ReloadModels } from '../routes/reload.ts';
import type { ServedModel } from '../scoring/scoring_service.ts';
import { openExamples } from './examples.ts';
import type { ServerSettings } from './flags.ts';
import type { Listening, ListenOptions } from './listening.ts';
import { openGalleries } from './open_galleries.ts';
import { openModels } from './open_models.ts';
import { prometheusMetrics } from './prometheus.ts';
import { readPage } from './read_page.ts';

export interface StartOptions {
  settings: ServerSettings;
  /** Bytes of a model of the settings, as `readModel` of `@doppel/core` reads them. */
  read(file: string): Promise<Uint8Array>;
  /** Receives the server's own failures and restarts of its threads. */
  log(line: string): void;
  /** Program of the scoring threads, for tests. */
  main?: URL;
  /** Program of the processes that register, and store of their folder, for tests. */
  jobMain?: URL;
  /** Program of the thread of galleries, for tests. */
  galleryMain?: URL;
  store?: FolderStore;
}

export interface RunningServer {
  readonly url: string;
  /** Models by name; the first is the default. */
  readonly served: ReadonlyMap<string, ServedModel>;
  /** Replaces models whose files have changed, and galleries. @throws DoppelError if one does not load; the old ones stay. */
  reload: ReloadModels;
  /** Refuses new requests, answers those in progress, ends the threads. */
  close(): Promise<void>;
}

/**
 * Starts a server. It listens at once, so that `/healthz` answers while the model loads, and resolves when pairs can be
 * scored.
 *
 * @throws ServerError if the port, the model or the backend fails; nothing is left running.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { settings, read, log, main, galleryMain, store = new FileStore() } = options;
  const { limits, drainMs, port, host, keys, insecure, cors } = settings;
  const metrics = prometheusMetrics(log);
  const guard = keys === undefined ? undefined : new KeyGuard(await KeysFile.open(keys, log), metrics);
  if (insecure) log(`warning: anybody who reaches ${host} may use this server: --insecure`);
  const [page, examples] = await Promise.all([readPage(log), openExamples(store)]);
  let isDraining = false;
  const opened = await openModels({ settings, read, log, observer: metrics, main });
  const jobs = await openJobs(options, store, metrics).catch(async (error) => {
    await opened.close();
    throw error;
  });
  const galleries = openGalleries(settings, opened.files, log, galleryMain);
  const reload: ReloadModels = async () => {
    const models = await opened.reload(galleries?.prepare);
    return { models, ...(galleries && { galleries: galleries.reloaded() }) };
  };
  const reading = new ReadingThread();
  const app: App = createApp({
    models: opened.models,
    limits,
    readItems: reading.readItems,
    readTensors: reading.readTensors,
    metrics,
    log,
    guard,
    cors,
    readSearch: reading.readSearch,
    galleries: galleries?.holder,
    reloadModels: reload,
    registrations: jobs,
    examples,
    page,
    isDraining: () => isDraining,
  });
  let listening: Listening | undefined;
  const close = async () => {
    isDraining = true;
    await Promise.all([listening?.close(drainMs), jobs?.close()]);
    await Promise.all([opened.close(), galleries?.close(), reading.close()]);
  };
  try {
    listening = await listenHere({
      fetch: (request) => app.fetch(request),
      ...{ port, host, timeoutMs: limits.timeoutMs, bodyMs: bodyMsOf(settings) },
    });
    const served = await opened.served(); // a model that does not load is the reason to give
    await galleries?.opened();
    return { url: listening.url, served, reload, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Jobs of the folder that the settings name. @throws FileError if another server uses it, or it cannot be written. */
async function openJobs(
  { settings, log, jobMain }: StartOptions,
  store: FolderStore,
  observer: JobObserver,
): Promise<Jobs | undefined> {
  const { data: root, jobLimits: limits, backend } = settings;
  if (root === undefined) return undefined;
  return Jobs.open({ ...{ store, root, limits, backend, log, observer }, run: jobProcesses(log, jobMain) });
}

/** Milliseconds in which a body must have arrived: the largest has the longest. */
function bodyMsOf({ data, limits, jobLimits }: ServerSettings): number {
  const upload = data === undefined ? 0 : jobLimits.maxUploadBytes / LEAST_RATE;
  return Math.ceil(2 * limits.timeoutMs + upload);
}

/** HTTP server of this runtime, loaded when it is needed. @throws ServerError if it cannot listen. */
async function listenHere(options: ListenOptions): Promise<Listening> {
  if ('Deno' in globalThis) return (await import('./listen_deno.ts')).listenDeno(options);
  return (await import('./listen_node.ts')).listenNode(options);
}

/** Line for a terminal when the server is ready. */
export function startupLine({ url, served }: RunningServer, { workers }: ServerSettings): string {
  const models = [...served.values()].map(({ name, info }) => `${name} (${info.preset}, side ${info.side})`);
  const { backend, device } = firstOf(served);
  const threads = workers * models.length === 1 ? '1 scoring thread' : `${workers * models.length} scoring threads`;
  const where = `${url}, backend ${backend}${device ? ` (${device})` : ''}`;
  return `doppel ${VERSION} serves ${models.join(', ')} at ${where}, ${threads}`;
}

/** Object that `--json` prints when the server is ready. */
export function startupJson({ url, served }: RunningServer) {
  const { backend, name: model } = firstOf(served);
  return { url, backend, model, models: [...served.keys()] };
}

const firstOf = (served: ReadonlyMap<string, ServedModel>): ServedModel => [...served.values()][0]!;
