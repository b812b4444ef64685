/**
 * Jobs in a folder: a queue that works on one after the other, survives the server, and is bounded in number, bytes and age.
 * A job that was interrupted is started again; after some attempts it fails and says why.
 */
import { joinPath } from '@doppel/core';
import { reasonOf } from '@doppel/core/errors';
import type { FolderStore } from '@doppel/core/node';
import { explain, type Problem, problemError, problemOf } from '../problem.ts';
import { detailOf } from '../scoring/error_parts.ts';
import { lockFolder } from './folder_lock.ts';
import {
  isFinished,
  type Job,
  type JobProgress,
  type JobRecord,
  type JobState,
  jobOf,
  resultOf,
  SCENES,
  type SceneName,
  STATES,
} from './job.ts';
import { isFull } from './job_failure.ts';
import { JobFolder, RESULT } from './job_folder.ts';
import { checkedSettings } from './job_settings.ts';
import type { JobCaller, JobObserver, Registrations, ServedFile } from './registrations.ts';
import type { JobEnd, JobFailure, RunJob } from './run_job.ts';
import { type ReceivedScenes, receiveScenes, type SceneSink, type SceneUpload, tooLarge } from './scene_upload.ts';

export interface JobLimits {
  /** Jobs that run at a time. */
  atATime: number;
  /** Jobs that are kept, finished ones among them. */
  maxJobs: number;
  /** Bytes of an upload. */
  maxUploadBytes: number;
  /** Bytes of all jobs. */
  maxDataBytes: number;
  /** Milliseconds that a finished job is kept. */
  keepMs: number;
  /** Milliseconds in which an upload must begin. */
  timeoutMs: number;
}

export interface JobsOptions {
  store: FolderStore;
  /** Folder of all jobs. */
  root: string;
  limits: JobLimits;
  run: RunJob;
  backend?: string | undefined;
  log(line: string): void;
  observer?: JobObserver | undefined;
  /** Milliseconds between two changes that a client is told, for tests. */
  paceMs?: number;
}

/** Number of starts after which a job that is interrupted again fails. */
export const MAX_ATTEMPTS = 3;
/** Uploads at a time. */
const MAX_UPLOADS = 8;
/** Factor by which the bytes of an unfinished job's scenes are counted, for its result comes on top. */
const RESERVE = 3;
/** Milliseconds between two looks for jobs that are too old. */
const SWEEP_MS = 60_000;
/** Milliseconds between two changes that a client is told: five a second. */
const PACE_MS = 200;

/** Job in the queue's memory. */
interface Held {
  record: JobRecord;
  progress?: JobProgress | undefined;
  /** Notified at each change. */
  readonly listeners: Set<() => void>;
  /** Process of a running job. */
  process?: { stop(): void; ended: Promise<void> } | undefined;
  /** End of the last write of its record: one after the other. */
  saved: Promise<void>;
}

const heldOf = (record: JobRecord): Held => ({ record, listeners: new Set(), saved: Promise.resolve() });

export class Jobs implements Registrations {
  readonly #options: JobsOptions;
  readonly #folder: JobFolder;
  readonly #unlock: () => Promise<void>;
  readonly #held = new Map<string, Held>();
  /** Bytes of the uploads in progress. */
  readonly #uploads = new Map<string, number>();
  #sweeping: ReturnType<typeof setInterval> | undefined;
  #isClosing = false;
  #isClosed = false;

  /** @param unlock releases the folder. */
  private constructor(options: JobsOptions, unlock: () => Promise<void>) {
    this.#options = options;
    this.#unlock = unlock;
    this.#folder = new JobFolder(options.store, options.root);
  }

  /**
   * Takes the jobs of a folder up where a server has left them.
   *
   * @throws FileError if another server uses it, or it cannot be written.
   */
  static async open(options: JobsOptions): Promise<Jobs> {
    const unlock = await lockFolder(options.root, options.log);
    const jobs = new Jobs(options, unlock);
    await jobs.#takeUp().catch(async (error) => {
      await unlock();
      throw error;
    });
    jobs.#sweeping = setInterval(() => void jobs.#sweep(), SWEEP_MS);
    jobs.#sweeping.unref?.();
    jobs.#pump();
    return jobs;
  }

  async #takeUp(): Promise<void> {
    const records = await this.#folder.open(this.#options.log);
    for (const record of records.sort(byAge)) {
      this.#held.set(record.id, heldOf(record));
      if (record.state === 'running') await this.#interrupted(this.#held.get(record.id)!, 'the server ended');
    }
    await this.#sweep();
  }

  get maxUploadBytes(): number {
    return this.#options.limits.maxUploadBytes;
  }

  /** Stops the running jobs, which the next server starts again, and ends all streams of changes. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#sweeping);
    const running = [...this.#held.values()].flatMap(({ process }) => process ?? []);
    for (const process of running) process.stop();
    await Promise.all(running.map(({ ended }) => ended));
    await this.#unlock();
    this.#isClosed = true;
    for (const { listeners } of this.#held.values()) for (const tell of listeners) tell();
  }

  receive(upload: SceneUpload, announced: number | undefined, caller: JobCaller): Promise<Job> {
    return this.#admit(announced ?? 0, caller, (sink) => {
      const { maxUploadBytes: maxBytes, timeoutMs } = this.#options.limits;
      return receiveScenes(upload, sink, { maxBytes, timeoutMs });
    });
  }

  begin(scenes: Readonly<Record<SceneName, ServedFile>>, settings: object, caller: JobCaller): Promise<Job> {
    const checked = checkedSettings(settings);
    const { sar, optical } = scenes;
    return this.#admit(sar.bytes + optical.bytes, caller, async (sink) => {
      for (const scene of SCENES) await copy(scenes[scene], scene, sink);
      const inputOf = ({ name, bytes }: ServedFile) => ({ name, bytes });
      return { inputs: { sar: inputOf(sar), optical: inputOf(optical) }, settings: checked };
    });
  }

  list(caller: JobCaller): Job[] {
    const seen = [...this.#held.values()].filter((held) => isSeen(held, caller));
    return seen.map(({ record, progress }) => jobOf(record, progress)).reverse();
  }

  find(id: string, caller: JobCaller): Job | undefined {
    const held = this.#held.get(id);
    return held && isSeen(held, caller) ? jobOf(held.record, held.progress) : undefined;
  }

  async *changes(id: string, signal: AbortSignal): AsyncGenerator<Job> {
    const held = this.#held.get(id);
    if (!held) return;
    let [wake, hasChanged] = [() => {}, true];
    const tell = () => {
      hasChanged = true;
      wake();
    };
    held.listeners.add(tell);
    signal.addEventListener('abort', tell, { once: true });
    try {
      while (!signal.aborted) {
        if (!hasChanged) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        hasChanged = false;
        yield jobOf(held.record, held.progress);
        if (isFinished(held.record) || this.#isClosed) return;
        await pauseOf(this.#options.paceMs ?? PACE_MS);
      }
    } finally {
      held.listeners.delete(tell);
      signal.removeEventListener('abort', tell);
    }
  }

  async remove(id: string, caller: JobCaller): Promise<boolean> {
    const held = this.#held.get(id);
    if (!held || !isSeen(held, caller)) return false;
    if (isFinished(held.record)) await this.#forget(held);
    else await this.#cancel(held);
    return true;
  }

  async file(id: string, name: string, caller: JobCaller): Promise<ServedFile | undefined> {
    const held = this.#held.get(id);
    if (!held || !isSeen(held, caller)) return undefined;
    const { record } = held;
    const scene = SCENES.find((each) => name === `${each}.tif`);
    const bytes = scene ? record.inputs[scene].bytes : record.files?.find((file) => file.name === name)?.bytes;
    if (bytes === undefined) return undefined;
    const path = joinPath(this.#folder.pathOf(id), ...(scene ? [] : [RESULT]), name); // a name out of our own list
    return { name, bytes, read: (offset, length) => this.#options.store.readRange(path, offset, length) };
  }

  /** Makes a job of scenes that `fill` writes. */
  async #admit(expected: number, caller: JobCaller, fill: (sink: SceneSink) => Promise<ReceivedScenes>): Promise<Job> {
    const { maxUploadBytes } = this.#options.limits;
    if (expected > maxUploadBytes) throw tooLarge(maxUploadBytes, `${expected}`);
    if (this.#uploads.size >= MAX_UPLOADS) {
      throw problemError('overloaded', { detail: `${MAX_UPLOADS} uploads are in progress. Try again later.` }, LATER);
    }
    const id = crypto.randomUUID();
    this.#uploads.set(id, 0);
    try {
      await this.#makeRoom(caller, RESERVE * expected);
      const { inputs, settings } = await fill(this.#sinkOf(id, caller));
      const record: JobRecord = {
        ...{ version: 1, id, state: 'queued', created: now(), inputs, settings, attempts: 0 },
        ...(caller.owner !== undefined && { owner: caller.owner }),
      };
      await this.#folder.accept(record);
      this.#held.set(id, heldOf(record));
    } catch (error) {
      await this.#folder.discardUpload(id).catch((cause) => this.#options.log(reasonOf(cause)));
      throw isFull(error) ? noRoom('a full disk') : error;
    } finally {
      this.#uploads.delete(id);
    }
    this.#observe();
    this.#pump();
    return this.find(id, caller)!;
  }

  #sinkOf(id: string, caller: JobCaller): SceneSink {
    const folder = this.#folder.uploadOf(id);
    return {
      create: (scene) => this.#options.store.create(joinPath(folder, `${scene}.tif`)),
      take: async (bytes) => {
        this.#uploads.set(id, this.#uploads.get(id)! + bytes);
        await this.#makeRoom(caller, 0);
      },
    };
  }

  /**
   * Forgets as many of the caller's finished jobs, the oldest first, as others need to fit in.
   *
   * @throws ProblemError (503) if they would not fit in either way; then none is forgotten.
   */
  async #makeRoom(caller: JobCaller, bytes: number): Promise<void> {
    const { maxJobs, maxDataBytes } = this.#options.limits;
    const uploading = RESERVE * [...this.#uploads.values()].reduce((sum, each) => sum + each, 0);
    const own = [...this.#held.values()].filter(
      (held) => isFinished(held.record) && held.record.owner === caller.owner,
    );
    let [jobs, used] = [this.#held.size, this.#bytes() + uploading];
    const isTooMany = () => jobs + this.#uploads.size > maxJobs;
    const old: Held[] = [];
    while (isTooMany() || used + bytes > maxDataBytes) {
      const next = own[old.length];
      if (!next) throw noRoom(isTooMany() ? `${this.#held.size} jobs` : `${this.#bytes() + uploading} bytes`);
      old.push(next);
      jobs--;
      used -= bytesOf(next.record);
    }
    await Promise.all(old.map((held) => this.#forget(held)));
  }

  #bytes(): number {
    return [...this.#held.values()].reduce((sum, { record }) => sum + bytesOf(record), 0);
  }

  async #forget(held: Held): Promise<void> {
    if (!this.#held.delete(held.record.id)) return;
    await Promise.all([held.process?.ended, held.saved]);
    await this.#folder.remove(held.record.id);
    this.#observe();
  }

  async #cancel(held: Held): Promise<void> {
    const { process } = held;
    await this.#end(held, { state: 'cancelled' });
    process?.stop();
    await process?.ended;
  }

  async #sweep(): Promise<void> {
    const oldest = Date.now() - this.#options.limits.keepMs;
    for (const held of [...this.#held.values()]) {
      const { ended } = held.record;
      if (!isFinished(held.record) || (ended !== undefined && Date.parse(ended) > oldest)) continue;
      await this.#forget(held).catch((error) => this.#options.log(reasonOf(error)));
    }
    this.#observe();
  }

  /** Starts what is queued, the oldest first. */
  #pump(): void {
    const all = [...this.#held.values()];
    let free = this.#options.limits.atATime - all.filter(({ process }) => process).length;
    for (const held of all) {
      if (this.#isClosing || free <= 0) return;
      if (held.record.state !== 'queued' || held.process) continue;
      free--;
      this.#start(held);
    }
  }

  #start(held: Held): void {
    const controller = new AbortController();
    const ended = this.#work(held, controller.signal)
      .catch((error) => this.#broken(held, error))
      .then(() => {
        held.process = undefined;
        this.#pump();
      });
    held.process = { stop: () => controller.abort(), ended };
  }

  async #work(held: Held, signal: AbortSignal): Promise<void> {
    const { id, inputs, settings, attempts } = held.record;
    const { run, backend } = this.#options;
    held.progress = undefined;
    await this.#change(held, { state: 'running', started: now(), attempts: attempts + 1 });
    const names = { sar: inputs.sar.name, optical: inputs.optical.name };
    const end = await run(
      this.#folder.pathOf(id),
      { names, settings, backend },
      {
        signal,
        onProgress: (progress) => {
          held.progress = progress;
          for (const tell of held.listeners) tell();
        },
      },
    );
    await this.#finish(held, end);
  }

  /** Ends a job that could not be worked on, or whose result cannot be used: it must not stay running for ever. */
  async #broken(held: Held, error: unknown): Promise<void> {
    const detail = detailOf(error);
    const problem = this.#problemOf(held.record.id, { kind: 'internal-error', action: 'register the scenes', detail });
    await this.#end(held, { state: 'failed', problem });
  }

  async #finish(held: Held, end: JobEnd): Promise<void> {
    const { id } = held.record;
    const isCancelled = () => held.record.state === 'cancelled';
    await this.#folder
      .clean(id, end.kind === 'done' && !isCancelled())
      .catch((error) => this.#options.log(reasonOf(error)));
    if (isCancelled()) return this.#observe();
    if (end.kind === 'killed') return this.#interrupted(held, end.found);
    if (end.kind === 'failed') return this.#end(held, { state: 'failed', problem: this.#problemOf(id, end.failure) });
    const result = resultOf(id, end.summary);
    const state = result.status === 'trusted' ? 'done' : 'refused';
    await this.#end(held, { state, result, files: await this.#folder.results(id) });
  }

  async #end(held: Held, change: Partial<JobRecord> & { state: JobState }): Promise<void> {
    if (isFinished(held.record)) return; // cancelled at the last moment
    await this.#change(held, { ...change, ended: now() });
    const { started, ended } = held.record;
    const seconds = started === undefined ? undefined : (Date.parse(ended!) - Date.parse(started)) / 1000;
    this.#options.observer?.jobEnded(change.state, seconds);
  }

  /** Puts a job back into the queue, or gives it up. */
  async #interrupted(held: Held, found: string): Promise<void> {
    const { attempts } = held.record;
    if (this.#isClosing) return this.#change(held, { state: 'queued', attempts: attempts - 1 }); // by the server's own end
    if (attempts < MAX_ATTEMPTS) {
      this.#options.observer?.jobRestarted();
      return this.#change(held, { state: 'queued' });
    }
    const remedy = 'If the memory was too small, cut the scenes or set a coarser resolution.';
    const facts = explain(
      'register the scenes',
      `an end within ${MAX_ATTEMPTS} attempts`,
      `${found} each time`,
      remedy,
    );
    await this.#end(held, { state: 'failed', problem: problemOf('interrupted', facts) });
  }

  /** Changes a record, here and in its folder; where that cannot be written, here. */
  async #change(held: Held, change: Partial<JobRecord>): Promise<void> {
    held.record = { ...held.record, ...change };
    for (const tell of held.listeners) tell();
    this.#observe();
    held.saved = held.saved
      .then(() => this.#folder.save(held.record))
      .catch((error) => {
        this.#options.log(`a registration is ${held.record.state}, which cannot be saved: ${reasonOf(error)}`);
      });
    await held.saved;
  }

  #problemOf(id: string, { kind, detail, action, ...facts }: JobFailure): Problem {
    if (kind === 'no-room') return noRoom('a full disk').problem;
    if (kind === 'internal-error') {
      this.#options.log(`the registration ${id} failed: ${detail}`);
      return problemOf(kind, { detail: `The reason is in the server's log, under the registration ${id}.` });
    }
    return problemOf(kind, { detail, ...facts });
  }

  #observe(): void {
    const states = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { record } of this.#held.values()) states[record.state]++;
    this.#options.observer?.jobs(states, this.#bytes());
  }
}

const now = () => new Date().toISOString();
const byAge = (a: JobRecord, b: JobRecord) => a.created.localeCompare(b.created);
const pauseOf = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const isSeen = ({ record }: Held, { owner, seesAll }: JobCaller): boolean => seesAll || record.owner === owner;

/** Bytes that a job takes, or may take. */
function bytesOf(record: JobRecord): number {
  const scenes = record.inputs.sar.bytes + record.inputs.optical.bytes;
  if (!isFinished(record)) return RESERVE * scenes;
  return scenes + (record.files ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

const LATER = { 'retry-after': '60' };

function noRoom(found: string) {
  const remedy = 'Delete finished registrations, or try again later; the operator may free space or raise the limits.';
  const facts = explain('keep the registration', 'room in the folder of the server', found, remedy);
  return problemError('no-room', facts, LATER);
}

/** Bytes that are copied at a time. */
const PIECE = 2 ** 20;

async function copy(file: ServedFile, scene: SceneName, sink: SceneSink): Promise<void> {
  const writer = await sink.create(scene);
  try {
    for (let at = 0; at < file.bytes; at += PIECE) {
      const piece = await file.read(at, PIECE);
      await sink.take(piece.length);
      await writer.write(piece);
    }
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
