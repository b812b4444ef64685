/** Epochs of a run: their steps, then validation, selection of the best epoch, checkpoints and metrics. */
import { ARCHITECTURES } from '../../matcher/architectures.ts';
import { type Checkpoint, saveCheckpoint } from '../../matcher/checkpoint.ts';
import { weightPenalty } from '../../matcher/loss.ts';
import type { RunState } from '../../matcher/run_state.ts';
import { ALONE, ownOf } from '../../processes/communicator.ts';
import type { Trainee } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import { type TrainingConfig, totalSteps } from './config.ts';
import { clearMemory, presentMemory } from './fill_memory.ts';
import type { EpochRow } from './metrics_log.ts';
import { presentNegatives } from './refresh.ts';
import { positionOf, type Run } from './run.ts';
import { rateFactor } from './schedule.ts';
import { type ValidationResult, validate } from './validation.ts';

/** Range of scores below which the matcher counts as collapsed to a constant. */
const CONSTANT_SPREAD = 1e-3;

const GENTLER = 'Lower the learning rate or l2, or raise warmupSteps.';

export function traineeOf(run: Run): Trainee {
  const { given, state } = run;
  return {
    folder: given.folder,
    saveEveryMinutes: given.config.save.everyMinutes,
    communicator: given.task.communicator,
    isDone: () => state.finished !== null,
    advance: (save) => (isEpochOver(run) ? endEpoch(run, save) : takeStep(run)),
    save: async () => saveAs('last', run, await resumeOf(run)),
    position: () => positionOf(run),
    summary: () => `${state.finished} after ${state.epoch} epochs; best: epoch ${state.best.epoch}`,
  };
}

const isEpochOver = ({ state, given: { config } }: Run): boolean =>
  state.underway.steps >= config.stepsPerEpoch || state.step >= totalSteps(config);

async function takeStep(run: Run): Promise<void> {
  const { given, state, pace, learner, supply } = run;
  const { config, task } = given;
  run.negatives = await presentNegatives(run);
  run.memory = await presentMemory(run);
  const started = performance.now();
  const learningRate = learningRateAt(config, state.step);
  const batch = await supply.batch(state.step, run.negatives, run.memory);
  const options = {
    ...config.optimiser,
    ...{ learningRate, l2: config.l2, seed: config.seed, step: state.step },
    ...(config.loss && state.scale && { loss: { settings: config.loss, logScale: state.scale.log } }),
    ...(config.statistics === 'frozen' && { frozen: true }),
  };
  const { loss, gradientNorm, ofScale } = await learner.step(batch, options, given.processes);
  if (state.scale && ofScale !== undefined) {
    state.scale = movedScale(state.scale, ofScale, { ...config.optimiser, learningRate, step: state.step });
  }
  state.step++;
  state.underway = {
    steps: state.underway.steps + 1,
    loss: state.underway.loss + loss,
    gradientNorm: state.underway.gradientNorm + gradientNorm,
  };
  const pairs = config.batch.positives + config.batch.negatives;
  pace.seconds += (performance.now() - started) / 1000;
  pace.pairs += pairs;
  task.onProgress?.({
    ...{ step: state.step, pairs: state.step * pairs, totalPairs: totalSteps(config) * pairs },
    ...{ epoch: state.epoch + 1, loss },
  });
}

/** The scale after a step of Adam. @param step from 0. */
function movedScale(
  { log, first, second }: NonNullable<RunState['scale']>,
  gradient: number,
  { learningRate, beta1, beta2, epsilon, step }: TrainingConfig['optimiser'] & { step: number },
): NonNullable<RunState['scale']> {
  const [m, v] = [beta1 * first + (1 - beta1) * gradient, beta2 * second + (1 - beta2) * gradient ** 2];
  const [mean, square] = [m / (1 - beta1 ** (step + 1)), v / (1 - beta2 ** (step + 1))];
  return { log: log - (learningRate * mean) / (Math.sqrt(square) + epsilon), first: m, second: v };
}

function learningRateAt(config: TrainingConfig, step: number): number {
  const { schedule, warmupSteps, optimiser } = config;
  return optimiser.learningRate * rateFactor(schedule, { step, totalSteps: totalSteps(config), warmupSteps });
}

async function endEpoch(run: Run, save: () => Promise<void>): Promise<void> {
  const { given, state, rows } = run;
  const { config, folder, task } = given;
  const result = await validateRun(run);
  const value = config.selection.metric === 'auc' ? result.auc : -result.loss;
  const improved = state.best.value === null || value > state.best.value;
  const row = await rowOf(run, result);
  state.epoch++;
  state.underway = { steps: 0, loss: 0, gradientNorm: 0 };
  state.best = improved ? { epoch: state.epoch, value } : state.best;
  state.stale = improved ? 0 : state.stale + 1;
  state.finished = endOf(state, config);
  run.calibration = result.calibration;
  rows.push(row);
  if (improved) await saveAs('best', run);
  await save();
  await clearMemory(run);
  await folder.writeRows(rows);
  if (task.pictures) await folder.writePlots(task.pictures.curves(rows));
  await folder.log(describe(row, improved));
  run.pace = { pairs: 0, seconds: 0 };
  task.onEpoch?.(row, improved);
}

function endOf(state: RunState, config: TrainingConfig): RunState['finished'] {
  if (state.step >= totalSteps(config)) return 'all epochs';
  const { patience } = config.selection;
  return patience !== null && state.stale >= patience ? 'early stopping' : null;
}

async function validateRun(run: Run): Promise<ValidationResult> {
  const { validationPairs: pairs, patches, shape, task } = run.given;
  const { matcher } = run.learner;
  const { signal, communicator } = task;
  const { length: own } = ownOf(pairs, communicator ?? ALONE);
  const onProgress = (done: number) => task.onValidation?.(done, own);
  const result = await validate({ matcher, pairs, patches, shape, communicator, signal, onProgress });
  if (result.spread < CONSTANT_SPREAD) await warnOfCollapse(run, result.spread);
  return result;
}

async function warnOfCollapse({ given: { config, folder }, warnings }: Run, spread: number): Promise<void> {
  const { adviceIfConstant: advice = GENTLER } = ARCHITECTURES.get(config.preset);
  const text = `The matcher's output is constant: all validation scores lie within ${spread.toExponential(1)}. ${advice}`;
  if (warnings.includes(text)) return;
  warnings.push(text);
  await folder.log(`warning: ${text}`);
}

async function rowOf(run: Run, { loss, auc, accuracy }: ValidationResult): Promise<EpochRow> {
  const { given, state, pace, learner, rows } = run;
  const { underway } = state;
  const penalty = weightPenalty(learner.matcher, given.config.l2);
  const [penaltyValue] = await penalty.data();
  penalty.dispose();
  return {
    epoch: state.epoch + 1,
    step: state.step,
    learningRate: learningRateAt(given.config, state.step - 1),
    trainLoss: underway.loss / underway.steps,
    penalty: penaltyValue as number,
    gradientNorm: underway.gradientNorm / underway.steps,
    validationLoss: loss,
    validationAuc: auc,
    validationAccuracy: accuracy,
    pairsPerSecond: pace.pairs / pace.seconds,
    seconds: (rows.at(-1)?.seconds ?? 0) + pace.seconds,
  };
}

function describe(row: EpochRow, improved: boolean): string {
  const { epoch, step, trainLoss, validationLoss, validationAuc, pairsPerSecond } = row;
  return (
    `epoch ${epoch}, step ${step}: training loss ${trainLoss.toFixed(4)}, validation loss ${validationLoss.toFixed(4)}, ` +
    `AUC ${validationAuc.toFixed(4)}${improved ? ' (best so far)' : ''}, ${pairsPerSecond.toFixed(1)} pairs/s`
  );
}

/** Row of the best epoch; undefined before the first validation. */
export const bestRow = ({ rows, state }: Run): EpochRow | undefined =>
  rows.find(({ epoch }) => epoch === state.best.epoch && epoch > 0);

export const metricsOf = ({ epoch, validationLoss, validationAuc, validationAccuracy }: EpochRow) => ({
  ...{ epoch, validationLoss, validationAuc, validationAccuracy },
});

const resumeOf = async ({ state, learner }: Run) => ({
  state: structuredClone(state),
  ...(await learner.momentValues()),
});

/** @param resume state of the run, for `last`. */
async function saveAs(name: 'best' | 'last', run: Run, resume?: Checkpoint['resume']): Promise<void> {
  const { given, learner, state, rows, calibration } = run;
  const { task, matcher, normalisation, trainedOn, inputs, config } = given;
  const isAfterValidation = state.underway.steps === 0 && state.epoch > 0;
  const row = rows.find(({ epoch }) => epoch === state.epoch);
  await saveCheckpoint(task.store, checkpointPath(task.run, name), {
    ...{ matcher, normalisation, trainedOn, inputs, backend: task.backend, training: config },
    tensors: await learner.weights(),
    calibration: isAfterValidation ? calibration : undefined,
    metrics: isAfterValidation && row ? metricsOf(row) : {},
    ...(resume && { resume }),
  });
}
