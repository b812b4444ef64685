/** Contract of what works on a job, as `job_process.ts` does in a process of its own. */
import type { Explanation } from '@doppel/core/errors';
import type { JobProgress, SceneName } from './job.ts';

/** Facts that a process needs to know of its job. */
export interface JobTask {
  /** Names that the scenes came with, by which messages and reports call them. */
  readonly names: Readonly<Record<SceneName, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Backend; undefined: the first that works. */
  readonly backend?: string | undefined;
}

export interface JobFailure extends Omit<Explanation, 'cause'> {
  readonly kind: 'unusable-scene' | 'no-room' | 'internal-error';
  readonly detail: string;
  /** Scene that caused it. */
  readonly file?: SceneName | undefined;
}

export type JobEnd =
  /** Registered, if only to be refused. */
  | { kind: 'done'; summary: Readonly<Record<string, unknown>> }
  | { kind: 'failed'; failure: JobFailure }
  /** Ended by something else, with the reason. */
  | { kind: 'killed'; found: string };

export interface JobWatch {
  /** Stops the work at once; the promise then resolves as "killed". */
  readonly signal: AbortSignal;
  onProgress(progress: JobProgress): void;
}

/** Works on the job in a folder, whose result appears there as a whole. */
export type RunJob = (folder: string, task: JobTask, watch: JobWatch) => Promise<JobEnd>;

/** Lines of JSON that the process of a job writes. */
export type JobMessage = ({ kind: 'progress' } & JobProgress) | Exclude<JobEnd, { kind: 'killed' }>;
