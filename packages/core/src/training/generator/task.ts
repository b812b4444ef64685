/** Task of training a generator: start, data, backend and callbacks. */
import type { Dataset } from '../../dataset/dataset.ts';
import { type LastGeneratorCheckpoint, loadGenerator } from '../../generator/checkpoint.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import { resumable } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import type { Store } from '../../store.ts';
import type { GeneratorTraining } from './config.ts';
import type { GeneratorRow } from './metrics_log.ts';
import type { GridBlock } from './probe.ts';

export interface FreshGeneratorStart {
  config: GeneratorTraining;
  /** Preparation of patches; default: measured on the training split, as for a matcher. */
  normalisation?: Normalisation | undefined;
}

export interface ResumedGeneratorStart {
  last: LastGeneratorCheckpoint;
}

/** State after a step. */
export interface GeneratorProgress {
  /** Steps done, and those of the whole run. */
  step: number;
  totalSteps: number;
  /** Patches trained on, and those of the whole run. */
  images: number;
  totalImages: number;
  /** Side of the stage's patches in pixels, and the weight of its newest level, in (0, 1]. */
  side: number;
  alpha: number;
  /** Losses of the step's batch, by `network.term`. */
  losses: Readonly<Record<string, number>>;
}

export interface GeneratorTask {
  store: Store;
  dataset: Dataset;
  /** Folder of the run. */
  run: string;
  /** Start of a new run, or of one resumed from its checkpoint `last`. */
  start: FreshGeneratorStart | ResumedGeneratorStart;
  /** Name of the backend that runs, for log and checkpoints. */
  backend: string;
  device?: string | undefined;
  /** `generatorPictures` of @doppel/report draws them. */
  pictures?: GeneratorPictures | undefined;
  /** Stops the run between two steps; the state is saved. */
  signal?: AbortSignal | undefined;
  /** Writes what else the folder of a new run holds, such as its settings: called once nothing refuses the run. */
  onStart?: (() => Promise<void>) | undefined;
  onProgress?: ((progress: GeneratorProgress) => void) | undefined;
  /** Gets each line of the log. */
  onLog?: ((line: string) => void) | undefined;
}

/** Draws the pictures of a run's folder. Without it the folder holds numbers only. */
export interface GeneratorPictures {
  /** SVG by the plot's name. */
  curves(rows: readonly GeneratorRow[]): Readonly<Record<string, string>>;
  /** PNG of blocks of patches of a side in pixels, each in rows of `columns`. */
  patches(blocks: readonly GridBlock[], layout: { side: number; columns: number }): Uint8Array;
}

/**
 * State that a run folder holds.
 *
 * @throws FileError where there is none. @throws CheckpointError where it is damaged or no `last`.
 */
export async function loadLastGenerator(store: Store, run: string): Promise<LastGeneratorCheckpoint> {
  const file = checkpointPath(run, 'last');
  return resumable(await loadGenerator(store, file), file, 'Bring back the file that the run left there.');
}
