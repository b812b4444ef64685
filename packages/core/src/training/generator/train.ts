/**
 * Training of a generator: from small patches to large ones, stage by stage, into a run folder.
 * `docs/generator.md` describes settings and files.
 */
import type { StageReport } from '../../generator/run_state.ts';
import { disposing, runToEnd } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import { givenOf } from './given.ts';
import type { GeneratorRow } from './metrics_log.ts';
import { imagesAt, learnerOf, startRun } from './run.ts';
import { traineeOf } from './stages.ts';
import type { GeneratorTask } from './task.ts';

export interface GeneratorTrainingResult {
  /** Folder of the run. */
  run: string;
  /** Path of the last checkpoint. */
  checkpoint: string;
  steps: number;
  /** Patches trained on. */
  images: number;
  stages: StageReport[];
  rows: GeneratorRow[];
  /** Stopped by the signal; `last` holds the state. */
  interrupted: boolean;
}

/**
 * Trains to the end, or until the signal is aborted; then the state is saved and the result says so.
 *
 * @throws SplitError where the train split is missing or empty. @throws NonFiniteError naming the network where
 * training diverges; checkpoints keep an earlier state. @throws CheckpointError where the run cannot be resumed.
 * @throws PatchError where a patch cannot be used. @throws FileError where the folder cannot be written.
 */
export async function trainGenerator(task: GeneratorTask): Promise<GeneratorTrainingResult> {
  const given = await givenOf(task);
  return disposing(learnerOf(given), async (learner) => {
    const run = await startRun(given, learner);
    const isDone = await runToEnd(traineeOf(run), task.signal);
    const { state, rows } = run;
    return {
      run: task.run,
      checkpoint: checkpointPath(task.run, 'last'),
      steps: state.step,
      images: imagesAt(run),
      stages: state.stages,
      ...{ rows, interrupted: !isDone },
    };
  });
}
