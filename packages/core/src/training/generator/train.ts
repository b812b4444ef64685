/**
 * Training a generator: from small patches to large ones, stage by stage, and a run folder that tells the story.
 * `docs/generator.md` describes settings and files.
 *
 * A run may be stopped at any step and taken up again; the result is the same, bit for bit, as that of a run that was never
 * stopped. So nothing here keeps a sequence of random numbers: everything random follows from the seed and the step.
 */
import { pause } from '../../base/pause.ts';
import type { GeneratorCheckpoint } from '../../generator/checkpoint.ts';
import type { StageReport } from '../../generator/run_state.ts';
import { alphaAt, networksOf, type StagePlan, stageAt } from './config.ts';
import { movement } from './learner.ts';
import { type GeneratorRow, LOSS_TERMS, type LossTerm } from './metrics_log.ts';
import { COLLAPSED, type ProbeResult, probe } from './probe.ts';
import { type GeneratorRun, type GeneratorTask, prepareGeneratorRun } from './run.ts';
import { generatorCheckpointPath } from './run_folder.ts';

export type { GeneratorTask } from './run.ts';

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
 * @throws SplitError where the train split is missing or empty. @throws NonFiniteError naming the network where training
 * diverges; checkpoints keep an earlier state. @throws CheckpointError where the run cannot be taken up. @throws PatchError
 * where a patch cannot be used. @throws FileError where the folder cannot be written.
 */
export async function trainGenerator(task: GeneratorTask): Promise<GeneratorTrainingResult> {
  const run = await prepareGeneratorRun(task);
  try {
    const interrupted = !(await runToEnd(run));
    const { state, rows, folder } = run;
    return {
      run: folder.path,
      checkpoint: generatorCheckpointPath(folder.path, 'last'),
      steps: state.step,
      images: imagesAt(run),
      stages: state.stages,
      ...{ rows, interrupted },
    };
  } finally {
    run.learner.dispose();
  }
}

/** @returns false where the signal stopped it. */
async function runToEnd(run: GeneratorRun): Promise<boolean> {
  const { state, folder, totalSteps } = run;
  try {
    while (state.step < totalSteps) await runStep(run);
  } catch (error) {
    const { signal } = run.task;
    if (!signal?.aborted || error !== signal.reason) throw error;
    await saveLast(run);
    await folder.writeRows(run.rows);
    await folder.log(`stopped at step ${state.step} of ${totalSteps}`);
    return false;
  }
  await folder.log(`done: ${state.step} steps, ${imagesAt(run)} patches`);
  return true;
}

/** @throws the signal's reason, before the step. */
async function runStep(run: GeneratorRun): Promise<void> {
  const { state, config, stages, session } = run;
  await pause(run.task.signal);
  const stage = stageAt(stages, state.step);
  const within = state.step - stage.firstStep;
  const alpha = alphaAt(stage, within);
  const started = performance.now();
  const losses = await run.learner.step(await run.supply.batch(state.step), {
    ...{ objective: config.objective, seed: config.seed, adam: config.optimiser, averageDecay: config.ema },
    ...config.loss,
    ...{ stage: stage.stage, alpha, step: within },
  });
  session.seconds += (performance.now() - started) / 1000;
  session.images += stage.batch;
  state.step++;
  addLosses(run, losses);
  const isEnd = within + 1 === stage.steps;
  if (isEnd || state.step % config.metrics.everySteps === 0) await addRow(run, stage, alpha);
  const { step, totalSteps } = { step: state.step, totalSteps: run.totalSteps };
  const progress = { step, totalSteps, images: imagesAt(run), totalImages: imagesAt(run, totalSteps) };
  run.task.onProgress?.({ ...progress, side: stage.side, alpha, losses });
  if (isEnd) await endStage(run, stage);
  else {
    if (state.step % config.samples.everySteps === 0) await look(run, stage, alpha);
    await saveNowAndThen(run);
  }
}

/** Patches of the steps that are done. */
function imagesAt({ stages, state }: GeneratorRun, step = state.step): number {
  const { firstStep, firstImage, batch } = stageAt(stages, step);
  return firstImage + (step - firstStep) * batch;
}

function addLosses({ state }: GeneratorRun, losses: Partial<Record<LossTerm, number>>): void {
  const { steps, sums } = state.underway;
  const added = Object.entries(losses).map(([term, value]) => [term, (sums[term] ?? 0) + value]);
  state.underway = { steps: steps + 1, sums: Object.fromEntries(added) };
}

async function addRow(run: GeneratorRun, { side }: StagePlan, alpha: number): Promise<void> {
  const { state, session, rows, folder } = run;
  const { steps, sums } = state.underway;
  const mean = (term: LossTerm) => (sums[term] === undefined ? Number.NaN : sums[term] / steps);
  rows.push({
    ...{ step: state.step, images: imagesAt(run), side, alpha },
    ...(Object.fromEntries(LOSS_TERMS.map((term) => [term, mean(term)])) as Record<LossTerm, number>),
    imagesPerSecond: session.images / session.seconds,
    seconds: (rows.at(-1)?.seconds ?? 0) + session.seconds,
  });
  state.underway = { steps: 0, sums: {} };
  Object.assign(session, { images: 0, seconds: 0 });
  await folder.writeRows(rows);
}

/** A picture of what it makes. */
async function look(run: GeneratorRun, { stage, side }: StagePlan, alpha: number): Promise<ProbeResult> {
  const { learner, supply, probes, config, folder, state } = run;
  const originals = await supply.plain(probes, side);
  const { seed, samples } = config;
  const growth = { stage, alpha };
  const result = await probe(learner.generator, originals, { growth, seed, side, grid: samples.grid });
  const picture = run.task.pictures?.patches(result.blocks, { side, columns: samples.grid });
  if (picture) await folder.writeSamples(state.step, side, picture);
  return result;
}

/** What the stage has changed, its checkpoint, and what the next one starts from. */
async function endStage(run: GeneratorRun, stage: StagePlan): Promise<void> {
  const { state, learner, folder, config, session } = run;
  const weights = await learner.weights();
  const { reconstructionError, kl } = await look(run, stage, alphaAt(stage, stage.steps - 1));
  const hasPosterior = config.objective !== 'autoencoder';
  const report: StageReport = {
    ...{ side: stage.side, steps: stage.steps, images: stage.steps * stage.batch },
    ...(run.stageStart && { moved: movement(run.stageStart, weights, stage.side) }),
    ...(hasPosterior && { kl, collapsed: kl.filter((value) => value < COLLAPSED).length }),
    reconstructionError,
  };
  state.stages = [...state.stages, report];
  run.stageStart = weights;
  learner.resetMoments();
  await folder.save(`side-${stage.side}`, await checkpointOf(run, false));
  await saveLast(run);
  await folder.writeStages(state.stages, run.rows, run.task.pictures);
  await folder.log(describe(report, run.rows.at(-1)!));
  session.savedAt = performance.now();
}

function describe({ side, steps, images, moved, kl, collapsed, reconstructionError }: StageReport, row: GeneratorRow) {
  const movedBy = moved
    ? Object.entries(moved).map(([network, share]) => `${network} ${(share * 100).toFixed(1)} %`)
    : ['not known, since the checkpoint of the stage before is gone'];
  const codes = kl
    ? `; KL ${kl.reduce((sum, value) => sum + value, 0).toFixed(1)} nats, ${collapsed} of ${kl.length} dimensions collapsed`
    : '';
  return (
    `side ${side} done: ${steps} steps, ${images} patches, ${row.imagesPerSecond.toFixed(1)} a second; ` +
    `weights moved: ${movedBy.join(', ')}; reconstruction error ${reconstructionError.toFixed(3)}${codes}`
  );
}

async function saveNowAndThen(run: GeneratorRun): Promise<void> {
  const { session, config } = run;
  if (performance.now() - session.savedAt < config.save.everyMinutes * 60_000) return;
  await saveLast(run);
  session.savedAt = performance.now();
}

const saveLast = async (run: GeneratorRun) => run.folder.save('last', await checkpointOf(run, true));

/** @param withMoments for `last`, which goes on from here. @throws NonFiniteError where weights are not finite. */
async function checkpointOf(run: GeneratorRun, withMoments: boolean): Promise<Omit<GeneratorCheckpoint, 'version'>> {
  const { config, learner, state, stages, normalisation, trainedOn, task } = run;
  const stage = stageAt(stages, Math.max(0, state.step - 1));
  const alpha = alphaAt(stage, Math.max(0, state.step - 1 - stage.firstStep));
  return {
    networks: networksOf(config),
    ...{ preset: config.preset, objective: config.objective, growth: { stage: stage.stage, alpha } },
    tensors: await learner.weights(),
    ...{ normalisation, trainedOn },
    metrics: metricsOf(state.stages.at(-1)),
    backend: task.backend,
    training: config,
    ...(withMoments && { resume: { state: structuredClone(state), ...(await learner.momentValues()) } }),
  };
}

function metricsOf(report: StageReport | undefined): Record<string, number> {
  if (!report) return {};
  const { side, reconstructionError, kl, collapsed } = report;
  const total = kl?.reduce((sum, value) => sum + value, 0);
  return { side, reconstructionError, ...(total !== undefined && { kl: total, collapsed: collapsed! }) };
}
