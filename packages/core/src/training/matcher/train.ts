/**
 * Training a matcher: batches of true pairs and negatives, a validation after each epoch, checkpoints `best` and `last`,
 * and a run folder that tells the story. `docs/training.md` describes settings and files.
 *
 * A run may be stopped at any step and taken up again; the result is the same, bit for bit, as that of a run that was never
 * stopped. So nothing here keeps a sequence of random numbers: everything random follows from the seed and the step.
 */

import { pause } from '../../base/pause.ts';
import { ARCHITECTURES } from '../../matcher/architectures.ts';
import type { Checkpoint } from '../../matcher/checkpoint.ts';
import { weightPenalty } from '../../matcher/loss.ts';
import { totalSteps } from './config.ts';
import type { EpochRow } from './metrics_log.ts';
import { refreshNegatives } from './refresh.ts';
import { prepareRun, type Run, type TrainingTask } from './run.ts';
import { checkpointPath } from './run_folder.ts';
import { rateFactor } from './schedule.ts';
import { type ValidationResult, validate } from './validation.ts';

export type { TrainingTask } from './run.ts';

export interface TrainingResult {
  /** Folder of the run. */
  run: string;
  /** Path of the best checkpoint; undefined where the run was interrupted before its first validation. */
  checkpoint: string | undefined;
  /** Epochs done. */
  epochs: number;
  /** Of the best epoch, on validation. */
  metrics: Record<string, number>;
  /** One row an epoch. */
  rows: EpochRow[];
  /** Stopped by the signal; `last` holds the state. */
  interrupted: boolean;
  warnings: string[];
}

const GENTLER = 'Lower the learning rate or l2, or raise warmupSteps.';

/** Scores that lie within this of each other tell nothing apart. */
const CONSTANT_SPREAD = 1e-3;

/**
 * Trains to the end, or until the signal is aborted; then the state is saved and the result says so.
 *
 * @throws SplitError where a split is missing, empty or leaks. @throws NonFiniteError naming the step where training
 * diverges; checkpoints keep an earlier state. @throws CheckpointError where the run cannot be taken up, or `from` is of
 * another architecture. @throws PatchError where a patch cannot be used. @throws FileError where the folder cannot be written.
 */
export async function train(task: TrainingTask): Promise<TrainingResult> {
  const run = await prepareRun(task);
  try {
    const interrupted = !(await runToEnd(run));
    const { rows, warnings, state, folder } = run;
    const best = rows.find(({ epoch }) => epoch === state.best.epoch && epoch > 0);
    return {
      run: folder.path,
      checkpoint: best && checkpointPath(folder.path, 'best'),
      epochs: state.epoch,
      metrics: best ? metricsOf(best) : {},
      ...{ rows, interrupted, warnings },
    };
  } finally {
    run.learner.dispose();
  }
}

/** @returns false where the signal stopped it. */
async function runToEnd(run: Run): Promise<boolean> {
  const { state, folder } = run;
  try {
    while (state.finished === null) {
      await refreshNegatives(run);
      await runEpoch(run);
      await endEpoch(run);
    }
  } catch (error) {
    const { signal } = run.task;
    if (!signal?.aborted || error !== signal.reason) throw error;
    await folder.save('last', await checkpointOf(run, true));
    await folder.log(`stopped at step ${state.step}, epoch ${state.epoch + 1}`);
    return false;
  }
  await folder.log(`done: ${state.finished} after ${state.epoch} epochs; best: epoch ${state.best.epoch}`);
  return true;
}

/** The steps of an epoch that are not done yet. @throws the signal's reason between two steps. */
async function runEpoch(run: Run): Promise<void> {
  const { config, state, session } = run;
  const total = totalSteps(config);
  while (state.underway.steps < config.stepsPerEpoch && state.step < total) {
    await pause(run.task.signal);
    const started = performance.now();
    const { loss, gradientNorm } = await run.learner.step(await run.supply.batch(state.step), {
      ...config.optimiser,
      learningRate: learningRateAt(run, state.step),
      ...{ l2: config.l2, seed: config.seed, step: state.step },
    });
    state.step++;
    state.underway = {
      steps: state.underway.steps + 1,
      loss: state.underway.loss + loss,
      gradientNorm: state.underway.gradientNorm + gradientNorm,
    };
    session.seconds += (performance.now() - started) / 1000;
    const pairs = config.batch.positives + config.batch.negatives;
    session.pairs += pairs;
    run.task.onProgress?.({
      step: state.step,
      pairs: state.step * pairs,
      totalPairs: total * pairs,
      epoch: state.epoch + 1,
      loss,
    });
    await saveNowAndThen(run);
  }
}

function learningRateAt({ config }: Run, step: number): number {
  const factor = rateFactor(config.schedule, {
    ...{ step, totalSteps: totalSteps(config), warmupSteps: config.warmupSteps },
  });
  return config.optimiser.learningRate * factor;
}

async function saveNowAndThen(run: Run): Promise<void> {
  const { session, config } = run;
  if (performance.now() - session.savedAt < config.save.everyMinutes * 60_000) return;
  await run.folder.save('last', await checkpointOf(run, true));
  session.savedAt = performance.now();
}

/** Validation, selection of the best, schedule, checkpoints, metrics. */
async function endEpoch(run: Run): Promise<void> {
  const { state, config, folder, session } = run;
  const result = await validateRun(run);
  const value = config.selection.metric === 'auc' ? result.auc : -result.loss;
  const improved = state.best.value === null || value > state.best.value;
  const row = await rowOf(run, result);
  state.epoch++;
  state.underway = { steps: 0, loss: 0, gradientNorm: 0 };
  state.best = improved ? { epoch: state.epoch, value } : state.best;
  state.stale = improved ? 0 : state.stale + 1;
  state.finished = endOf(run);
  run.calibration = result.calibration;
  run.rows.push(row);
  if (improved) await folder.save('best', await checkpointOf(run, false));
  await folder.save('last', await checkpointOf(run, true));
  await folder.writeRows(run.rows, run.task.pictures);
  await folder.log(describe(row, improved));
  Object.assign(session, { pairs: 0, seconds: 0, savedAt: performance.now() });
  run.task.onEpoch?.(row, improved);
}

function endOf({ state, config }: Run): Run['state']['finished'] {
  if (state.step >= totalSteps(config)) return 'all epochs';
  const { patience } = config.selection;
  return patience !== null && state.stale >= patience ? 'early stopping' : null;
}

/** Also the measure of the weights that a run starts from (epoch 0). */
export async function validateRun(run: Run): Promise<ValidationResult> {
  const { learner, validationPairs: pairs, patches, shape, task } = run;
  const onProgress = (done: number) => task.onValidation?.(done, pairs.length);
  const result = await validate({ matcher: learner.matcher, pairs, patches, shape, signal: task.signal, onProgress });
  if (result.spread < CONSTANT_SPREAD) await warnOfCollapse(run, result.spread);
  return result;
}

async function warnOfCollapse(run: Run, spread: number): Promise<void> {
  const { adviceIfConstant: advice = GENTLER } = ARCHITECTURES.get(run.config.preset);
  const text = `The matcher's output is constant: all validation scores lie within ${spread.toExponential(1)}. ${advice}`;
  if (run.warnings.includes(text)) return;
  run.warnings.push(text);
  await run.folder.log(`warning: ${text}`);
}

async function rowOf(run: Run, { loss, auc, accuracy }: ValidationResult): Promise<EpochRow> {
  const { state, config, session, learner, rows } = run;
  const { underway } = state;
  const penalty = weightPenalty(learner.matcher, config.l2);
  const [penaltyValue] = await penalty.data();
  penalty.dispose();
  return {
    epoch: state.epoch + 1,
    step: state.step,
    learningRate: learningRateAt(run, state.step - 1),
    trainLoss: underway.loss / underway.steps,
    penalty: penaltyValue as number,
    gradientNorm: underway.gradientNorm / underway.steps,
    validationLoss: loss,
    validationAuc: auc,
    validationAccuracy: accuracy,
    pairsPerSecond: session.pairs / session.seconds,
    seconds: (rows.at(-1)?.seconds ?? 0) + session.seconds,
  };
}

function describe(row: EpochRow, improved: boolean): string {
  const { epoch, step, trainLoss, validationLoss, validationAuc, pairsPerSecond } = row;
  return (
    `epoch ${epoch}, step ${step}: training loss ${trainLoss.toFixed(4)}, validation loss ${validationLoss.toFixed(4)}, ` +
    `AUC ${validationAuc.toFixed(4)}${improved ? ' (best so far)' : ''}, ${pairsPerSecond.toFixed(1)} pairs/s`
  );
}

const metricsOf = ({ epoch, validationLoss, validationAuc, validationAccuracy }: EpochRow) => ({
  ...{ epoch, validationLoss, validationAuc, validationAccuracy },
});

/** @param withMoments for `last`, which goes on from here. */
async function checkpointOf(run: Run, withMoments: boolean): Promise<Omit<Checkpoint, 'version'>> {
  const { learner, state, rows, task, config } = run;
  const isAfterValidation = state.underway.steps === 0 && state.epoch > 0;
  const row = rows.find(({ epoch }) => epoch === state.epoch);
  return {
    matcher: learner.matcher.config,
    tensors: await learner.weights(),
    normalisation: run.normalisation,
    calibration: isAfterValidation ? run.calibration : undefined,
    metrics: isAfterValidation && row ? metricsOf(row) : {},
    trainedOn: run.trainedOn,
    inputs: run.inputs,
    backend: task.backend,
    training: config,
    ...(withMoments && { resume: { state: structuredClone(state), ...(await learner.momentValues()) } }),
  };
}
