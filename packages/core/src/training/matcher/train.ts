/**
 * Training of a matcher: batches of true pairs and negatives, a validation after each epoch, checkpoints `best` and
 * `last`, and a run folder with log and metrics. `docs/training.md` describes settings and files.
 */

import { anyOf } from '../../processes/agreement.ts';
import { ALONE } from '../../processes/communicator.ts';
import { leftToFirst } from '../../processes/left_to_first.ts';
import { disposing, runToEnd } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import { bestRow, metricsOf, traineeOf } from './epochs.ts';
import { givenOf } from './given.ts';
import type { EpochRow } from './metrics_log.ts';
import { learnerOf, type Search, startRun } from './run.ts';
import type { TrainingTask } from './task.ts';

export interface TrainingResult {
  /** Folder of the run. */
  run: string;
  /** Path of the best checkpoint; undefined where the run was interrupted before its first validation. */
  checkpoint: string | undefined;
  /** Epochs done. */
  epochs: number;
  /** Validation of the best epoch. */
  metrics: Record<string, number>;
  /** One row an epoch. */
  rows: EpochRow[];
  /** Reports of adaptive mining in this session. */
  searches: Search[];
  /** Stopped by the signal; `last` holds the state. */
  interrupted: boolean;
  warnings: string[];
}

/**
 * Trains to the end, or until the signal is aborted; then the state is saved and the result says so. Of many processes
 * each calls this with the same task and its communicator; the first writes, and all return once it has.
 *
 * @throws SplitError where a split is missing, empty or leaks. @throws NonFiniteError naming the step where training
 * diverges; checkpoints keep an earlier state. @throws CheckpointError where the run cannot be resumed, or `from` is of
 * another architecture. @throws PatchError where a patch cannot be used. @throws FileError where the folder cannot be
 * written.
 */
export async function train(asked: TrainingTask): Promise<TrainingResult> {
  const { communicator = ALONE } = asked;
  const task = { ...asked, store: leftToFirst(asked.store, communicator) };
  const given = await givenOf(task);
  return disposing(learnerOf(given), async (learner) => {
    const run = await startRun(given, learner);
    const isDone = await runToEnd(traineeOf(run), task.signal);
    anyOf(communicator, false); // all have saved
    const { rows, searches, warnings, state } = run;
    const best = bestRow(run);
    return {
      run: task.run,
      checkpoint: best && checkpointPath(task.run, 'best'),
      epochs: state.epoch,
      metrics: best ? metricsOf(best) : {},
      ...{ rows, searches, warnings, interrupted: !isDone },
    };
  });
}
