/** Contract of the service behind the routes of registrations; `jobs.ts` keeps them in a folder. */
import type { Job, SceneName } from './job.ts';
import type { SceneUpload } from './scene_upload.ts';

/** Caller of a route: sees its own jobs only, or all. */
export interface JobCaller {
  /** Name of its key; undefined: no key was asked for. */
  readonly owner: string | undefined;
  readonly seesAll: boolean;
}

/** File of a job or an example. */
export interface ServedFile {
  readonly name: string;
  readonly bytes: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Pair of scenes that the server has. */
export interface Example {
  readonly name: string;
  readonly title: string;
}

export interface Examples {
  readonly list: readonly Example[];
  /** Scene of an example; undefined where there is none of this name. */
  file(name: string, scene: SceneName): Promise<ServedFile | undefined>;
}

export interface Registrations {
  /** Bytes of an upload. */
  readonly maxUploadBytes: number;
  /** Makes a job of an upload. @param announced bytes of the body, if they are. @throws ProblemError */
  receive(upload: SceneUpload, announced: number | undefined, caller: JobCaller): Promise<Job>;
  /** Makes a job of scenes that the server has. @throws ProblemError */
  begin(scenes: Readonly<Record<SceneName, ServedFile>>, settings: object, caller: JobCaller): Promise<Job>;
  /** Jobs that the caller may see, the newest first. */
  list(caller: JobCaller): Job[];
  /** Job of this id; undefined where the caller has none. */
  find(id: string, caller: JobCaller): Job | undefined;
  /** The job now and after each change, until it ends, the server does, or the signal aborts. */
  changes(id: string, signal: AbortSignal): AsyncGenerator<Job>;
  /** Cancels a job, or forgets a finished one. @returns whether the caller has it. */
  remove(id: string, caller: JobCaller): Promise<boolean>;
  /** Output or scene of a job; undefined where the caller has no such job, or it no such file. */
  file(id: string, name: string, caller: JobCaller): Promise<ServedFile | undefined>;
}

/** Receives what happens to jobs, for metrics. */
export interface JobObserver {
  /** Number of jobs by state, and bytes of their files. */
  jobs(states: Readonly<Record<Job['state'], number>>, bytes: number): void;
  /** @param seconds from its start; undefined: it was cancelled before. */
  jobEnded(state: Job['state'], seconds: number | undefined): void;
  jobRestarted(): void;
}
