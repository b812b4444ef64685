/**
 * A run that may be stopped between any two steps and resumed: the result is the same, bit for bit, as that of a run
 * that was never stopped. So no kind of training keeps a sequence of random numbers: everything random follows from
 * seed and step.
 *
 * A `Trainee` supplies what differs between matcher and generator: its steps and its checkpoints.
 */

import { pause } from '../base/pause.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { dataDifference, isSameData } from '../dataset/fingerprint.ts';
import { CheckpointError } from '../errors.ts';
import { anyOf, StopAgreed } from '../processes/agreement.ts';
import { ALONE, type Communicator } from '../processes/communicator.ts';
import { VERSION } from '../version.ts';
import type { RunFiles } from './run_files.ts';

export interface Trainee {
  readonly folder: Pick<RunFiles, 'log'>;
  /** Maximum time between two checkpoints `last`, in addition to those that the trainee saves. */
  readonly saveEveryMinutes: number;
  /** Processes that run it together; default: this one alone. They stop together. */
  readonly communicator?: Communicator | undefined;
  isDone(): boolean;
  /**
   * Takes a step, or does what comes between steps: a validation, the end of a stage.
   *
   * @param save saves `last` now. @throws the signal's reason when it is aborted; the state is that before.
   */
  advance(save: () => Promise<void>): Promise<void>;
  /** Saves `last`, from which the run resumes bit for bit. */
  save(): Promise<void>;
  /** Position of the run: "step 12, epoch 2". */
  position(): string;
  /** Summary of the finished run, for the log. */
  summary(): string;
}

/**
 * Runs to the end, or until the signal is aborted; then `last` holds the state. @returns false where it was stopped.
 */
export async function runToEnd(trainee: Trainee, signal: AbortSignal | undefined): Promise<boolean> {
  const { communicator = ALONE } = trainee;
  let savedAt = performance.now();
  const save = async () => {
    await trainee.save();
    savedAt = performance.now();
  };
  try {
    while (!trainee.isDone()) {
      await pause();
      if (anyOf(communicator, signal?.aborted === true)) throw new StopAgreed();
      await trainee.advance(save);
      if (performance.now() - savedAt >= trainee.saveEveryMinutes * 60_000) await save();
    }
  } catch (error) {
    const isStop = error instanceof StopAgreed || (signal?.aborted && error === signal.reason);
    if (!isStop) throw error;
    await trainee.save();
    await trainee.folder.log(`stopped at ${trainee.position()}`);
    return false;
  }
  await trainee.folder.log(`done: ${trainee.summary()}`);
  return true;
}

/** Runs work with an object that holds tensors, and disposes of it in any case. */
export async function disposing<Held extends { dispose(): void }, Result>(
  held: Held,
  use: (held: Held) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(held);
  } finally {
    held.dispose();
  }
}

export interface Introduction {
  /** Position of a run that is resumed; undefined for a new one. */
  resumedAt: string | undefined;
  /** Name of the backend that runs, and of the one that the run began on. */
  backend: string;
  beganOn: string | undefined;
  device: string | undefined;
  /** Model and data of the training, for the log. */
  about: string;
}

/**
 * First lines of the log; the first write into the folder, too, which fails before any work where it cannot be written.
 */
export async function introduce(
  folder: Trainee['folder'],
  { resumedAt, backend, beganOn = backend, device, about }: Introduction,
): Promise<void> {
  await folder.log(resumedAt === undefined ? `doppel ${VERSION}, new run` : `resumed at ${resumedAt}`);
  await folder.log(`backend: ${backend}${device ? ` (${device})` : ''}`);
  if (beganOn !== backend) {
    await folder.log(`warning: the run began on ${beganOn}; on ${backend} it does not resume bit for bit`);
  }
  await folder.log(about);
}

/** @throws CheckpointError in any case: a run resumes bit for bit only with its original inputs. */
export function refuseToResume(file: string, expected: string, found: string, remedy: string): never {
  throw new CheckpointError({ action: 'resume the run of', file, expected, found, remedy });
}

/** @param before fingerprint of the data that the run began with. @throws CheckpointError if it is another. */
export function refuseOtherData(
  before: string,
  { fingerprint, folder }: Pick<Dataset, 'fingerprint' | 'folder'>,
  refuse: (expected: string, found: string) => never,
): void {
  if (isSameData(before, fingerprint)) return;
  refuse('the data set that it began with', `another in ${folder}: ${dataDifference(before, fingerprint)}`);
}

/** Checkpoint with the state of its run. @throws CheckpointError if it holds weights only. */
export function resumable<C extends { resume?: unknown }>(
  { resume, ...checkpoint }: C,
  file: string,
  remedy: string,
): Omit<C, 'resume'> & { resume: NonNullable<C['resume']> } {
  if (resume) return { ...checkpoint, resume: resume as NonNullable<C['resume']> };
  return refuseToResume(file, "the optimiser's moments and the state of the run", 'weights only', remedy);
}
