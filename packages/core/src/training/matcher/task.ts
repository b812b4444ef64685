/** Task of training a matcher: start, data, backend and callbacks. */
import type { Dataset } from '../../dataset/dataset.ts';
import type { LatentGenerator } from '../../generator/latent.ts';
import type { NegativeSet } from '../../generator/made_patches.ts';
import { type Checkpoint, loadCheckpoint } from '../../matcher/checkpoint.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { Communicator } from '../../processes/communicator.ts';
import type { Last } from '../../runs/checkpoint_file.ts';
import { resumable } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import type { Store } from '../../store.ts';
import type { TrainingConfig } from './config.ts';
import type { EpochRow } from './metrics_log.ts';

/** Input file of a training, with the SHA-256 of its bytes. */
export interface FileInput<T> {
  file: string;
  fingerprint: string;
  content: T;
}

export interface FreshStart {
  config: TrainingConfig;
  /** Checkpoint whose weights are trained further, with its normalisation and fresh optimiser moments. */
  from?: FileInput<Checkpoint> | undefined;
  /** Preparation of patches where `from` does not say; default: measured on the training split. */
  normalisation?: Normalisation | undefined;
}

export interface ResumedStart {
  last: LastCheckpoint;
  /** Ends the run at another epoch than planned. */
  epochs?: number | undefined;
}

/** Checkpoint from which a run can be resumed. */
export type LastCheckpoint = Last<Checkpoint>;

/** State after a step. */
export interface TrainingProgress {
  /** Steps done. */
  step: number;
  /** Pairs trained on, and those of the whole run. */
  pairs: number;
  totalPairs: number;
  /** Epoch under way, from 1. */
  epoch: number;
  /** Loss of the step's batch. */
  loss: number;
}

/** Draws the pictures of a run's folder. Without it the folder holds numbers only. */
export interface MatcherPictures {
  /** SVG by the plot's name. */
  curves(rows: readonly EpochRow[]): Readonly<Record<string, string>>;
}

export interface TrainingTask {
  store: Store;
  dataset: Dataset;
  /** Folder of the run. */
  run: string;
  /** Start of a new run, or of one resumed from its checkpoint `last`. */
  start: FreshStart | ResumedStart;
  /** Name of the backend that runs, for log and checkpoints. */
  backend: string;
  device?: string | undefined;
  /** Hard negatives, as `readTrainingNegatives` gives them. */
  negatives?: FileInput<NegativeSet> | undefined;
  /** Records whose SAR patches `negatives.memory` takes, without their labels; default: those of the training pairs. */
  unlabelled?: readonly number[] | undefined;
  /** Generator for `negatives.adaptive`, where its settings name one; the caller disposes of it. */
  generator?: LatentGenerator | undefined;
  /** `trainingPictures` of @doppel/report draws them. */
  pictures?: MatcherPictures | undefined;
  /** Processes that train this run together, each with this task; default: this one alone. Process 0 writes. */
  communicator?: Communicator | undefined;
  /** Stops the run between two steps; the state is saved. */
  signal?: AbortSignal | undefined;
  /** Writes what else the folder of a new run holds, such as its settings: called once nothing refuses the run. */
  onStart?: (() => Promise<void>) | undefined;
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  onValidation?: ((done: number, total: number) => void) | undefined;
  onEpoch?: ((row: EpochRow, isBest: boolean) => void) | undefined;
  /** Gets each line of the log. */
  onLog?: ((line: string) => void) | undefined;
}

/**
 * State that a run folder holds.
 *
 * @throws FileError where there is none. @throws CheckpointError where it is damaged or no `last`.
 */
export async function loadLast(store: Store, run: string): Promise<LastCheckpoint> {
  const file = checkpointPath(run, 'last');
  return resumable(await loadCheckpoint(store, file), file, 'Train on from these weights by --from.');
}
