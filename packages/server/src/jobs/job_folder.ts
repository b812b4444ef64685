/**
 * Folder of all jobs, which outlasts the server: a folder for each job, with its scenes, its record and its result. A job
 * appears as a whole and goes as a whole; uploads and removals that a server left half done are removed at the next start.
 */
import { joinPath, readText } from '@doppel/core';
import { reasonOf } from '@doppel/core/errors';
import type { FolderStore } from '@doppel/core/node';
import { type JobRecord, recordSchema } from './job.ts';

const RECORD = 'job.json';
/** Folder of the result inside that of the job. */
export const RESULT = 'result';
/** Entries of a job's folder; whatever else is in it was left by a process that was killed. */
const KEPT = [RECORD, RESULT, 'sar.tif', 'optical.tif'];

export class JobFolder {
  readonly store: FolderStore;
  readonly #jobs: string;
  /** Folder of uploads, and of jobs that are being removed. */
  readonly #unfinished: string;

  constructor(store: FolderStore, root: string) {
    this.store = store;
    this.#jobs = joinPath(root, 'registrations');
    this.#unfinished = joinPath(root, 'unfinished');
  }

  /** Removes what was left half done, and reads the records of all jobs. @throws FileError if the folder cannot be written. */
  async open(log: (line: string) => void): Promise<JobRecord[]> {
    await this.store.remove(this.#unfinished);
    await this.store.write(joinPath(this.#unfinished, 'started'), '');
    const ids = (await this.store.stat(this.#jobs)) ? await this.store.list(this.#jobs) : [];
    const records: JobRecord[] = [];
    for (const id of ids) {
      try {
        records.push(recordSchema.parse(JSON.parse(await readText(this.store, this.#recordOf(id)))));
      } catch (error) {
        log(`warning: the job in ${this.pathOf(id)} cannot be read and is left alone: ${reasonOf(error)}`);
      }
    }
    return records;
  }

  /** Folder of a job. */
  pathOf(id: string): string {
    return joinPath(this.#jobs, id);
  }

  /** Folder for the scenes of a job that is not accepted yet. */
  uploadOf(id: string): string {
    return joinPath(this.#unfinished, id);
  }

  /** Turns an upload into a job. */
  async accept(record: JobRecord): Promise<void> {
    const folder = this.uploadOf(record.id);
    await this.store.write(joinPath(folder, RECORD), textOf(record));
    await this.store.rename(folder, this.pathOf(record.id));
  }

  save(record: JobRecord): Promise<void> {
    return this.store.write(this.#recordOf(record.id), textOf(record));
  }

  discardUpload(id: string): Promise<void> {
    return this.store.remove(this.uploadOf(id));
  }

  /** Removes a job: first it is none any more, then its files go. */
  async remove(id: string): Promise<void> {
    await this.store.rename(this.pathOf(id), this.uploadOf(id));
    await this.discardUpload(id);
  }

  /** Removes what a process has left in the folder of its job. @param isDone whether its result is to stay. */
  async clean(id: string, isDone: boolean): Promise<void> {
    const kept = isDone ? KEPT : KEPT.filter((name) => name !== RESULT);
    for (const name of await this.store.list(this.pathOf(id))) {
      if (!kept.includes(name)) await this.store.remove(joinPath(this.pathOf(id), name));
    }
  }

  /** Files of the result. */
  async results(id: string): Promise<{ name: string; bytes: number }[]> {
    const folder = joinPath(this.pathOf(id), RESULT);
    const files: { name: string; bytes: number }[] = [];
    for (const name of await this.store.list(folder)) {
      const info = await this.store.stat(joinPath(folder, name));
      if (info) files.push({ name, bytes: info.size });
    }
    return files;
  }

  #recordOf(id: string): string {
    return joinPath(this.pathOf(id), RECORD);
  }
}

const textOf = (record: JobRecord) => `${JSON.stringify(record)}\n`;
