/** Registrations of the server as jobs: begin one, follow it, cancel it. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { type Fault, FaultError, type Sensor } from '../fault.ts';
import { call, callJson, UnreachableError } from '../frame/server.ts';
import type { SceneSource } from '../worker/scenes.ts';

export interface JobFile {
  name: string;
  bytes: number;
  type: string;
  href: string;
}

export interface Job {
  id: string;
  state: 'queued' | 'running' | 'done' | 'refused' | 'failed' | 'cancelled';
  created: string;
  inputs: Record<Sensor, { name: string; bytes: number }>;
  progress?: { done: number; total: number; phase: string };
  problem?: { detail: string; expected?: string; found?: string; remedy?: string; file?: Sensor };
  files?: JobFile[];
  links: { self: string; events: string };
}

export const isFinished = ({ state }: Job): boolean => state !== 'queued' && state !== 'running';

/** Fault of a job that failed. */
export function faultOfJob({ problem }: Job): Fault | undefined {
  if (!problem) return undefined;
  const { detail: message, expected, found, remedy, file } = problem;
  return { message, expected, found, remedy, file };
}

export const listJobs = async (): Promise<Job[]> =>
  (await callJson<{ registrations: Job[] }>('/v1/registrations')).registrations;

export interface ScenesToSend {
  sar: SceneSource;
  optical: SceneSource;
  example?: string | undefined;
}

/** @throws FaultError */
export async function beginJob({ sar, optical, example }: ScenesToSend, settings: object): Promise<Job> {
  if (example !== undefined) {
    const body = JSON.stringify({ example, settings });
    return callJson('/v1/registrations', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  }
  const body = new FormData();
  body.set('settings', JSON.stringify(settings)); // before the scenes, which are read as they come
  body.set('sar', await blobOf(sar), sar.name);
  body.set('optical', await blobOf(optical), optical.name);
  return callJson('/v1/registrations', { method: 'POST', body });
}

const blobOf = async ({ blob, url }: SceneSource): Promise<Blob> => blob ?? (await call(url!)).blob();

/** Cancels a job, or forgets a finished one. */
export async function removeJob({ links }: Job): Promise<void> {
  await call(links.self, { method: 'DELETE' });
}

/** Milliseconds after which a stream of events that was cut off is asked for again. */
const AGAIN_MS = 1000;
/** Times in a row that it is asked for in vain: a server that starts again is back sooner. */
const MOST_IN_VAIN = 60;
const NO_NEWS: Fault = {
  message: 'Cannot follow the registration: the server, or a proxy before it, sends no events. Load the page again.',
};

/**
 * Calls back at each change of a job until it ends. Streams of events that are cut off, as proxies and sleeping machines do,
 * are asked for again.
 *
 * @throws FaultError if the server refuses, stays out of reach, or sends no events. @throws the signal's reason when aborted.
 */
export async function followJob(job: Job, onJob: (job: Job) => void, signal: AbortSignal): Promise<void> {
  let last = job;
  for (let inVain = 0; !isFinished(last); inVain++) {
    if (inVain > 0) await pause(AGAIN_MS);
    signal.throwIfAborted();
    try {
      const { body } = await call(job.links.events, { signal });
      for await (const changed of jobsIn(body!)) {
        [last, inVain] = [changed, 0];
        onJob(changed);
      }
      if (inVain >= MOST_IN_VAIN) throw new FaultError(NO_NEWS);
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = error instanceof FaultError && !(error instanceof UnreachableError);
      if (isRefused || inVain >= MOST_IN_VAIN) throw error;
    }
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Jobs in a stream of events. */
async function* jobsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<Job> {
  const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
  const events = body.pipeThrough(decoder).pipeThrough(new EventSourceParserStream()).getReader();
  for (;;) {
    const { done, value } = await events.read();
    if (done) return;
    if (value.event === 'job') yield JSON.parse(value.data);
  }
}
