/** Stages of a generator's run: their steps, the files written meanwhile, and the end of each stage. */

import { Rng } from '../../base/random.ts';
import type { StagePlan } from '../../generator/architecture.ts';
import type { GeneratorCheckpoint } from '../../generator/checkpoint.ts';
import type { StageReport } from '../../generator/run_state.ts';
import type { Trainee } from '../../runs/resumable_run.ts';
import { alphaAt, stageAt } from './config.ts';
import { movement } from './learner.ts';
import type { GeneratorRow } from './metrics_log.ts';
import { COLLAPSED, type ProbeResult, probe } from './probe.ts';
import { type GeneratorRun, imagesAt, positionOf } from './run.ts';
import type { GeneratorCheckpointName } from './run_folder.ts';

export function traineeOf(run: GeneratorRun): Trainee {
  const { given, state } = run;
  return {
    folder: given.folder,
    saveEveryMinutes: given.config.save.everyMinutes,
    isDone: () => state.step >= given.totalSteps,
    advance: (save) => takeStep(run, save),
    async save() {
      await saveAs('last', run, await resumeOf(run));
      await given.folder.writeRows(run.rows);
    },
    position: () => positionOf(run),
    summary: () => `${state.step} steps, ${imagesAt(run)} patches`,
  };
}

async function takeStep(run: GeneratorRun, save: () => Promise<void>): Promise<void> {
  const { given, state, pace, learner } = run;
  const { config, stages, supply, task, totalSteps } = given;
  const stage = stageAt(stages, state.step);
  const within = state.step - stage.firstStep;
  const alpha = alphaAt(stage, within);
  const started = performance.now();
  const at = { stage: stage.stage, alpha, step: within };
  const losses = await learner.step(await supply.batch(state.step), config, stage, at);
  pace.seconds += (performance.now() - started) / 1000;
  pace.images += stage.batch;
  state.step++;
  addLosses(run, losses);
  const isEnd = within + 1 === stage.steps;
  if (isEnd || state.step % config.metrics.everySteps === 0) await addRow(run, stage, alpha);
  task.onProgress?.({
    ...{ step: state.step, totalSteps, images: imagesAt(run), totalImages: imagesAt(run, totalSteps) },
    ...{ side: stage.side, alpha, losses },
  });
  if (isEnd) await endStage(run, stage, save);
  else if (state.step % config.samples.everySteps === 0) await look(run, stage, alpha);
}

function addLosses({ state }: GeneratorRun, losses: Readonly<Record<string, number>>): void {
  const { steps, sums } = state.underway;
  const added = Object.entries(losses).map(([term, value]) => [term, (sums[term] ?? 0) + value]);
  state.underway = { steps: steps + 1, sums: Object.fromEntries(added) };
}

async function addRow(run: GeneratorRun, { side }: StagePlan, alpha: number): Promise<void> {
  const { given, state, pace, rows } = run;
  const { steps, sums } = state.underway;
  const mean = (term: string) => (sums[term] === undefined ? Number.NaN : sums[term] / steps);
  rows.push({
    ...{ step: state.step, images: imagesAt(run), side, alpha },
    ...Object.fromEntries(given.architecture.recipe.losses.map((term) => [term, mean(term)])),
    imagesPerSecond: pace.images / pace.seconds,
    seconds: (rows.at(-1)?.seconds ?? 0) + pace.seconds,
  });
  state.underway = { steps: 0, sums: {} };
  run.pace = { images: 0, seconds: 0 };
  await given.folder.writeRows(rows);
}

/** Measures the networks on the probes, and writes a picture. */
async function look(
  { given, learner, state }: GeneratorRun,
  { stage, side }: StagePlan,
  alpha: number,
): Promise<ProbeResult> {
  const { supply, probes, config, folder, task } = given;
  const originals = await supply.plain(probes, side);
  const { seed, samples } = config;
  const growth = { stage, alpha };
  const result = await probe(learner.generator, originals, { growth, seed, side, grid: samples.grid });
  const picture = task.pictures?.patches(result.blocks, { side, columns: samples.grid });
  if (picture) await folder.writeSamples(state.step, side, picture);
  return result;
}

/** Reports the changes of the stage, saves it, and prepares the learner for the next one. */
async function endStage(run: GeneratorRun, stage: StagePlan, save: () => Promise<void>): Promise<void> {
  const { given, state, learner, rows } = run;
  const { folder, architecture, config, task } = given;
  const weights = await learner.weights();
  const { reconstructionError, kl } = await look(run, stage, alphaAt(stage, stage.steps - 1));
  const specs = architecture.parameters(learner.generator.config);
  const report: StageReport = {
    ...{ side: stage.side, steps: stage.steps, images: stage.steps * stage.batch },
    ...(run.stageStart && { moved: movement(specs, run.stageStart, weights, stage.side) }),
    ...(architecture.recipe.hasPosterior(config) && { kl, collapsed: kl.filter((value) => value < COLLAPSED).length }),
    reconstructionError,
  };
  state.stages = [...state.stages, report];
  run.stageStart = weights;
  if (state.step >= given.totalSteps) await finish(run);
  learner.resetMoments();
  await saveAs(`side-${stage.side}`, run);
  await save();
  await folder.writeStages(state.stages);
  if (task.pictures) await folder.writePlots(task.pictures.curves(rows));
  await folder.log(describe(report, rows.at(-1)!));
}

/** Training patches that are measured at the end. */
const FINISH_PATCHES = 512;

async function finish({ given, learner }: GeneratorRun): Promise<void> {
  const { architecture, records, config, supply } = given;
  const some = Rng.derive(config.seed, 'finish')
    .shuffle([...records])
    .slice(0, FINISH_PATCHES);
  if (!architecture.recipe.finish) return;
  const data = await supply.plain(some, config.side);
  await architecture.recipe.finish(learner.generator, { data, side: config.side, count: some.length });
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

const resumeOf = async ({ state, learner }: GeneratorRun) => ({
  state: structuredClone(state),
  ...(await learner.momentValues()),
});

/**
 * @param resume state of the run, for `last`.
 * @throws NonFiniteError where weights are not finite.
 */
async function saveAs(
  name: GeneratorCheckpointName,
  { given, learner, state }: GeneratorRun,
  resume?: GeneratorCheckpoint['resume'],
): Promise<void> {
  const { config, stages, normalisation, trainedOn, task, folder } = given;
  const stage = stageAt(stages, Math.max(0, state.step - 1));
  const alpha = alphaAt(stage, Math.max(0, state.step - 1 - stage.firstStep));
  await folder.save(name, {
    networks: learner.generator.config,
    ...{ preset: config.preset, objective: config.objective, growth: { stage: stage.stage, alpha } },
    tensors: await learner.weights(),
    ...{ normalisation, trainedOn, backend: task.backend, training: config },
    metrics: metricsOf(state.stages.at(-1)),
    ...(resume && { resume }),
  });
}

function metricsOf(report: StageReport | undefined): Record<string, number> {
  if (!report) return {};
  const { side, reconstructionError, kl, collapsed } = report;
  const total = kl?.reduce((sum, value) => sum + value, 0);
  return { side, reconstructionError, ...(total !== undefined && { kl: total, collapsed: collapsed! }) };
}
