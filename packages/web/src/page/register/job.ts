/** Registrations of the server as jobs: begin one, follow it, cancel it. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Fault, Sensor } from '../fault.ts';
import { call, callJson } from '../frame/server.ts';
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

/** Calls back at each change of a job until it ends. @throws FaultError */
export async function followJob(job: Job, onJob: (job: Job) => void, signal: AbortSignal): Promise<void> {
  const { body } = await call(job.links.events, { signal });
  const events = body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  for (;;) {
    const { done, value } = await events.read();
    if (done) return;
    if (value.event === 'job') onJob(JSON.parse(value.data));
  }
}
