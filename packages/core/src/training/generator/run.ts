/** Generator's run in progress: its inputs, learner and position. */

import { type Generator, NETWORKS } from '../../generator/architecture.ts';
import { createGenerator, latentSize } from '../../generator/generator.ts';
import { type GeneratorRunState, initialGeneratorState } from '../../generator/run_state.ts';
import { disposing, introduce } from '../../runs/resumable_run.ts';
import { type Values, valuesOf } from '../../runs/values.ts';
import { stageAt } from './config.ts';
import type { GivenGenerator } from './given.ts';
import { GeneratorLearner } from './learner.ts';
import type { GeneratorRow } from './metrics_log.ts';

export interface GeneratorRun {
  readonly given: GivenGenerator;
  readonly learner: GeneratorLearner;
  /** Position of the run, as a checkpoint holds it. */
  readonly state: GeneratorRunState;
  readonly rows: GeneratorRow[];
  /** Weights at the start of the stage under way; undefined where its checkpoint is gone. */
  stageStart: ReadonlyMap<string, Values> | undefined;
  /** Work since the last row, in this session. */
  pace: { images: number; seconds: number };
}

/** Networks and moments that a run begins with; the caller disposes of them. */
export function learnerOf(given: GivenGenerator): GeneratorLearner {
  const log = (line: string) => given.folder.log(line);
  return given.last ? GeneratorLearner.from(given.last, log) : new GeneratorLearner(freshGenerator(given), log);
}

const freshGenerator = ({ architecture, config, normalisation }: GivenGenerator): Generator =>
  createGenerator({
    ...architecture.recipe.networksOf(config, normalisation),
    preset: config.preset,
    seed: config.seed,
  });

/** @throws FileError where the folder cannot be written. */
export async function startRun(given: GivenGenerator, learner: GeneratorLearner): Promise<GeneratorRun> {
  const { task, folder, last } = given;
  const state = last ? structuredClone(last.resume.state) : initialGeneratorState();
  const run: GeneratorRun = {
    ...{ given, learner, state },
    rows: last ? ((await folder.readRows(state.step)) as GeneratorRow[]) : [],
    stageStart: await stageStartOf(given, learner, state),
    pace: { images: 0, seconds: 0 },
  };
  if (!last) await task.onStart?.();
  await introduce(folder, {
    ...{ backend: task.backend, device: task.device, beganOn: last?.backend, about: describe(run) },
    resumedAt: last && positionOf(run),
  });
  return run;
}

export const positionOf = ({ state, given }: GeneratorRun): string => `step ${state.step} of ${given.totalSteps}`;

/** Patches of the steps that are done, or of all before a step. */
export function imagesAt({ given: { stages }, state }: GeneratorRun, step = state.step): number {
  const { firstStep, firstImage, batch } = stageAt(stages, step);
  return firstImage + (step - firstStep) * batch;
}

/** Weights that the stage under way began with: those of the stage before, or of the seed. They are in no `last`. */
async function stageStartOf(
  given: GivenGenerator,
  learner: GeneratorLearner,
  { step }: GeneratorRunState,
): Promise<GeneratorRun['stageStart']> {
  const { stages, folder } = given;
  const { index, firstStep } = stageAt(stages, step);
  if (step === firstStep) return learner.weights();
  if (index > 0) return (await folder.readStage(stages[index - 1]!.side))?.tensors;
  return disposing(freshGenerator(given), (fresh) =>
    valuesOf(new Map(NETWORKS.flatMap((network) => [...fresh[network]]))),
  );
}

function describe({ given: { config, trainedOn, records }, learner }: GeneratorRun): string {
  const sizes = NETWORKS.slice(0, 3).map((network) => {
    const count = [...learner.generator[network].values()].reduce((sum, { size }) => sum + size, 0);
    return `${network} ${count}`;
  });
  return (
    `${config.preset}, ${config.objective}, side ${config.side}, latent ${latentSize(learner.generator)}; parameters: ${sizes.join(', ')}; ` +
    `${config.data}: ${records.length} SAR patches of ${trainedOn.places?.train.length} places`
  );
}
