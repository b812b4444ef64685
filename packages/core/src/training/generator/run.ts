/** A generator's run, fresh or taken up again: everything that its steps need, checked before the first of them. */

import type { Dataset } from '../../dataset/dataset.ts';
import { CheckpointError, SplitError, UsageError } from '../../errors.ts';
import { type GeneratorCheckpoint, type LastGeneratorCheckpoint, loadGenerator } from '../../generator/checkpoint.ts';
import { createGenerator, NETWORKS } from '../../generator/generator.ts';
import { type GeneratorRunState, initialGeneratorState } from '../../generator/run_state.ts';
import { valuesOf } from '../../matcher/checkpoint.ts';
import { fitNormalisation, type Normalisation } from '../../prepare/normalisation.ts';
import { PatchCache } from '../../prepare/prepared_patches.ts';
import type { Values } from '../../runs/checkpoint_file.ts';
import { resumable } from '../../runs/run_files.ts';
import type { Store } from '../../store.ts';
import { VERSION } from '../../version.ts';
import {
  type GeneratorTraining,
  networksOf,
  parseGeneratorTraining,
  planStages,
  type StagePlan,
  stageAt,
  totalGeneratorSteps,
} from './config.ts';
import { GeneratorLearner } from './learner.ts';
import type { GeneratorRow, LossTerm } from './metrics_log.ts';
import { probeRecords } from './probe.ts';
import { GeneratorFolder, type GeneratorPictures, generatorCheckpointPath } from './run_folder.ts';
import { createPatchSupply, type PatchSupply } from './supply.ts';

export interface FreshGeneratorStart {
  config: GeneratorTraining;
  /** How patches are prepared; default: measured on the training split, as for a matcher. */
  normalisation?: Normalisation | undefined;
}

export interface ResumedGeneratorStart {
  last: LastGeneratorCheckpoint;
}

/** After a step. */
export interface GeneratorProgress {
  /** Steps done, of so many in the whole run. */
  step: number;
  totalSteps: number;
  /** Patches trained on, of so many in the whole run. */
  images: number;
  totalImages: number;
  /** Of the stage's patches, and how far its level is faded in. */
  side: number;
  alpha: number;
  losses: Partial<Record<LossTerm, number>>;
}

export interface GeneratorTask {
  store: Store;
  dataset: Dataset;
  /** Folder of the run. */
  run: string;
  /** A fresh run, or one that is taken up where its checkpoint `last` stands. */
  start: FreshGeneratorStart | ResumedGeneratorStart;
  /** Name of the backend that runs, for log and checkpoints. */
  backend: string;
  device?: string | undefined;
  /** Draws the curves and samples of the run's folder; `generatorPictures` of @doppel/report does. */
  pictures?: GeneratorPictures | undefined;
  /** Stops between two steps; the state is saved. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: GeneratorProgress) => void) | undefined;
  /** Each line of the log. */
  onLog?: ((line: string) => void) | undefined;
}

export interface GeneratorRun {
  task: GeneratorTask;
  folder: GeneratorFolder;
  config: GeneratorTraining;
  stages: StagePlan[];
  totalSteps: number;
  learner: GeneratorLearner;
  state: GeneratorRunState;
  rows: GeneratorRow[];
  normalisation: Normalisation;
  supply: PatchSupply;
  /** Records that are looked at while it trains. */
  probes: number[];
  trainedOn: GeneratorCheckpoint['trainedOn'];
  /** Weights at the start of the stage under way; undefined where its checkpoint is gone. */
  stageStart: ReadonlyMap<string, Values> | undefined;
  /** Since the last row, in this session. */
  session: { images: number; seconds: number; savedAt: number };
}

/** @throws CheckpointError, SplitError, UsageError and PatchError as `trainGenerator`. */
export async function prepareGeneratorRun(task: GeneratorTask): Promise<GeneratorRun> {
  const { store, dataset, start } = task;
  const folder = new GeneratorFolder(store, task.run, task.onLog);
  const last = 'last' in start ? start.last : undefined;
  const config = 'config' in start ? start.config : parseGeneratorTraining(start.last.training, 'the run');
  refuseLargerPatches(config, dataset);
  const records = sarRecords(dataset);
  const trainedOn = {
    folder: config.data,
    dataFingerprint: dataset.fingerprint,
    places: { train: [...new Set(records.map((index) => dataset.records[index]!.group))].sort(), validation: [] },
  };
  if (last) refuseOtherData(last, trainedOn, task);
  const given = last?.normalisation ?? ('config' in start ? start.normalisation : undefined);
  const normalisation = given ?? (await fitNormalisation(dataset, dataset.indicesOf('train'), config.normalisation));
  const stages = planStages(config);
  const state = last ? structuredClone(last.resume.state) : initialGeneratorState();
  const run: GeneratorRun = {
    ...{ task, folder, config, stages, state, normalisation, trainedOn },
    totalSteps: totalGeneratorSteps(stages),
    rows: last ? await folder.readRows(state.step) : [],
    supply: createPatchSupply({
      ...{ records, stages, config, side: dataset.header.side },
      patches: new PatchCache(dataset, normalisation),
    }),
    probes: probeRecords(records, config.seed, config.samples.grid ** 2),
    learner: last
      ? GeneratorLearner.from(last)
      : new GeneratorLearner(createGenerator({ ...networksOf(config), seed: config.seed })),
    stageStart: undefined,
    session: { images: 0, seconds: 0, savedAt: performance.now() },
  };
  try {
    run.stageStart = await stageStartOf(run);
    await introduce(run, records.length);
  } catch (error) {
    run.learner.dispose();
    throw error;
  }
  return run;
}

/** SAR patches of the true pairs of the training split, each patch once. @throws SplitError where there are too few. */
function sarRecords({ records, indicesOf }: Dataset): number[] {
  const seen = new Set<string>();
  const usable = indicesOf('train').filter((index) => {
    const { label, provenance, sar } = records[index]!;
    return label === 1 && provenance === 'real' && !seen.has(sar) && seen.add(sar);
  });
  if (usable.length > 1) return usable;
  throw new SplitError({
    action: 'train a generator',
    expected: 'at least two SAR patches of positive pairs in the training split',
    found: String(usable.length),
    remedy: 'Import more pairs, or split the data set again by `doppel data split`.',
  });
}

function refuseLargerPatches({ side, data }: GeneratorTraining, { header }: Dataset): void {
  if (header.side <= side && side < 2 * header.side) return;
  throw new UsageError({
    action: `train a generator of side ${side}`,
    expected: `the next power of 2 from the side of the patches in ${data}`,
    found: `patches of side ${header.side}`,
    remedy: 'Leave "side" out, or import the data again with another --side.',
  });
}

/** A run goes on bit for bit only with what it began with. */
function refuseOtherData(
  { trainedOn: before }: LastGeneratorCheckpoint,
  now: GeneratorCheckpoint['trainedOn'],
  { run, dataset }: GeneratorTask,
): void {
  const refuse = (expected: string, found: string): never => {
    const remedy = 'Bring back what the run began with, or start a new one.';
    const file = generatorCheckpointPath(run, 'last');
    throw new CheckpointError({ action: 'take up the run of', file, expected, found, remedy });
  };
  if (before.dataFingerprint !== now.dataFingerprint)
    refuse('the data set that it began with', `another in ${dataset.folder}`);
  if (before.places?.train.join('\n') !== now.places?.train.join('\n'))
    refuse('the train split that it began with', 'other places in it');
}

/** Kept in no checkpoint, since that of the stage before has it; the first stage starts from the seed. */
async function stageStartOf({
  state,
  stages,
  learner,
  folder,
  config,
}: GeneratorRun): Promise<GeneratorRun['stageStart']> {
  const { index, firstStep } = stageAt(stages, state.step);
  if (state.step === firstStep) return learner.weights();
  if (index > 0) return (await folder.readStage(stages[index - 1]!.side))?.tensors;
  const fresh = createGenerator({ ...networksOf(config), seed: config.seed });
  const values = await valuesOf(new Map(NETWORKS.flatMap((network) => [...fresh[network]])));
  fresh.dispose();
  return values;
}

/** The first lines of the log; the first write into the folder, too, which fails before any work where it cannot be written. */
async function introduce(run: GeneratorRun, patches: number): Promise<void> {
  const { folder, task, config, state, learner, trainedOn, totalSteps } = run;
  const { start, backend, device } = task;
  await folder.log('last' in start ? `taken up at step ${state.step} of ${totalSteps}` : `doppel ${VERSION}, new run`);
  await folder.log(`backend: ${backend}${device ? ` (${device})` : ''}`);
  if ('last' in start && start.last.backend !== backend) {
    await folder.log(`warning: the run began on ${start.last.backend}; on ${backend} it does not go on bit for bit`);
  }
  const sizes = NETWORKS.slice(0, 3).map((network) => {
    const count = [...learner.generator[network].values()].reduce((sum, { size }) => sum + size, 0);
    return `${network} ${count}`;
  });
  await folder.log(
    `${config.preset}, ${config.objective}, side ${config.side}, latent ${config.latent}; parameters: ${sizes.join(', ')}; ` +
      `${config.data}: ${patches} SAR patches of ${trainedOn.places?.train.length} places`,
  );
}

/**
 * The state that a run folder holds.
 *
 * @throws FileError where there is none. @throws CheckpointError where it is damaged or no `last`.
 */
export async function loadLastGenerator(store: Store, run: string): Promise<LastGeneratorCheckpoint> {
  const file = generatorCheckpointPath(run, 'last');
  return resumable(await loadGenerator(store, file), file, 'Bring back the file that the run left there.');
}
