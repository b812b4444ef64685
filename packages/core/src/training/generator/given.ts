/** Inputs of a generator's run, checked before its first step and constant during training. */

import type { Dataset } from '../../dataset/dataset.ts';
import { SplitError, UsageError } from '../../errors.ts';
import type { GeneratorArchitecture, StagePlan } from '../../generator/architecture.ts';
import { GENERATORS } from '../../generator/architectures.ts';
import type { GeneratorCheckpoint, LastGeneratorCheckpoint } from '../../generator/checkpoint.ts';
import { fitNormalisation } from '../../prepare/fit_normalisation.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import { PatchCache } from '../../prepare/prepared_patches.ts';
import { refuseOtherData, refuseToResume } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import { type GeneratorTraining, parseGeneratorTraining, sideOfNetworks, totalGeneratorSteps } from './config.ts';
import { generatorMetrics } from './metrics_log.ts';
import { probeRecords } from './probe.ts';
import { GeneratorFolder } from './run_folder.ts';
import { createPatchSupply, type PatchSupply } from './supply.ts';
import type { GeneratorTask } from './task.ts';

export interface GivenGenerator {
  task: GeneratorTask;
  folder: GeneratorFolder;
  config: GeneratorTraining;
  /** Checkpoint that the run is resumed from; undefined: a fresh run. */
  last: LastGeneratorCheckpoint | undefined;
  architecture: GeneratorArchitecture;
  stages: StagePlan[];
  totalSteps: number;
  normalisation: Normalisation;
  /** SAR patches to learn from, and those that are looked at while it trains. */
  records: number[];
  probes: number[];
  supply: PatchSupply;
  trainedOn: GeneratorCheckpoint['trainedOn'];
}

/** @throws CheckpointError, SplitError, UsageError and PatchError as `trainGenerator`. */
export async function givenOf(task: GeneratorTask): Promise<GivenGenerator> {
  const { store, dataset, start } = task;
  const last = 'last' in start ? start.last : undefined;
  const config = 'config' in start ? start.config : parseGeneratorTraining(start.last.training, 'the run');
  const architecture = GENERATORS.get(config.preset);
  refuseLargerPatches(config, architecture, dataset);
  const records = sarRecords(dataset);
  const trainedOn = {
    folder: config.data,
    dataFingerprint: dataset.fingerprint,
    places: { train: [...new Set(records.map((index) => dataset.records[index]!.group))].sort(), validation: [] },
  };
  if (last) refuseOtherInputs(last, trainedOn, task);
  const fixed = last?.normalisation ?? ('config' in start ? start.normalisation : undefined);
  const normalisation = fixed ?? (await fitNormalisation(dataset, dataset.indicesOf('train'), config.normalisation));
  const { recipe } = architecture;
  const stages = recipe.stages(config);
  return {
    ...{ task, config, architecture, last, stages, normalisation, records, trainedOn },
    folder: new GeneratorFolder(store, task.run, generatorMetrics(recipe.losses), task.onLog),
    totalSteps: totalGeneratorSteps(stages),
    probes: probeRecords(records, config.seed, config.samples.grid ** 2),
    supply: createPatchSupply({
      ...{ records, stages, config, side: dataset.header.side },
      patches: new PatchCache(dataset, normalisation),
    }),
  };
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

function refuseLargerPatches(
  { side, data }: GeneratorTraining,
  { recipe }: GeneratorArchitecture,
  { header }: Dataset,
): void {
  const expected = sideOfNetworks(recipe, header.side);
  if (side === expected) return;
  throw new UsageError({
    action: `train a generator of side ${side}`,
    expected: `${expected}, which the patches in ${data} fit into`,
    found: `patches of side ${header.side}`,
    remedy: 'Leave "side" out, or import the data again with another --side.',
  });
}

/** @throws CheckpointError where data or split are not those that the run began with. */
function refuseOtherInputs(
  { trainedOn: before }: LastGeneratorCheckpoint,
  now: GeneratorCheckpoint['trainedOn'],
  { run, dataset }: GeneratorTask,
): void {
  const refuse = (expected: string, found: string) =>
    refuseToResume(
      checkpointPath(run, 'last'),
      expected,
      found,
      'Bring back what the run began with, or start a new one.',
    );
  refuseOtherData(before.dataFingerprint, dataset, refuse);
  if (before.places?.train.join('\n') !== now.places?.train.join('\n'))
    refuse('the train split that it began with', 'other places in it');
}
