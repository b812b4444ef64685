/** Inputs of a run, checked before its first step and constant during training. */
import { sha256 } from '../../base/sha256.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { isSameData } from '../../dataset/fingerprint.ts';
import type { PairReference, Split } from '../../dataset/patch_pair.ts';
import { placeGuard } from '../../dataset/place_guard.ts';
import { readAlignment, shiftsOf } from '../../localisation/alignment_file.ts';
import type { MatcherConfig } from '../../matcher/architecture.ts';
import { type Checkpoint, requireMatcher } from '../../matcher/checkpoint.ts';
import { parseMatcherConfig } from '../../matcher/matcher.ts';
import { fitNormalisation } from '../../prepare/fit_normalisation.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../../prepare/patch_source.ts';
import { PatchCache } from '../../prepare/prepared_patches.ts';
import { ALONE, type Processes } from '../../processes/communicator.ts';
import { requireSame } from '../../processes/require_same.ts';
import { processesSchema } from '../../processes/settings.ts';
import { checkHeldOut } from '../../runs/held_out.ts';
import { RunFiles } from '../../runs/run_files.ts';
import { VERSION } from '../../version.ts';
import { matcherOptions, parseConfig, type TrainingConfig } from './config.ts';
import type { Place } from './localisation/training_scenes.ts';
import { type EpochRow, METRICS } from './metrics_log.ts';
import {
  refuseOtherInputs,
  refuseOtherSide,
  refuseTooManyProcesses,
  refuseUnfit,
  refuseUnfitMatcher,
} from './refusals.ts';
import type { TrainingPairs } from './sampler.ts';
import type { LastCheckpoint, ResumedStart, TrainingTask } from './task.ts';
import { drawValidationPairs } from './validation.ts';

export interface Given {
  task: TrainingTask;
  folder: RunFiles<keyof EpochRow>;
  config: TrainingConfig;
  /** Processes that share each batch; undefined: this one trains alone. */
  processes: Processes | undefined;
  /** Checkpoint of the initial weights; undefined: fresh ones. */
  source: Checkpoint | undefined;
  /** Checkpoint `last`, if the run is resumed from it. */
  last: LastCheckpoint | undefined;
  matcher: MatcherConfig;
  normalisation: Normalisation;
  shape: PatchShape;
  /** Prepared patches without augmentation. */
  patches: PatchSource;
  pairs: TrainingPairs;
  validationPairs: PairReference[];
  /** Shifts from SAR to optical by scene, where the run trains on repaired alignment. */
  shifts: ReadonlyMap<string, Place> | undefined;
  trainedOn: Checkpoint['trainedOn'];
  inputs: Checkpoint['inputs'];
}

/** @throws CheckpointError, SplitError, UsageError and PatchError as `train`. */
export async function givenOf(task: TrainingTask): Promise<Given> {
  const { store, dataset, start } = task;
  const last = 'last' in start ? start.last : undefined;
  const from = 'config' in start ? start.from : undefined;
  const source = last ?? from?.content;
  const config = 'config' in start ? start.config : resumedConfig(start);
  const processes = processesOf(task, config);
  refuseOtherSide(config, dataset);
  const trainedOn = trainedOnOf(config, dataset, from?.content);
  const repaired = await repairedShifts(task, config);
  const inputs = {
    from: last ? last.inputs.from : (from?.fingerprint ?? null),
    negatives: negativesFingerprint(task),
    ...(repaired && { alignment: repaired.fingerprint }),
  };
  await requireSameInputs(task, config, { trainedOn, inputs }, last);
  if (last) refuseOtherInputs(last, { trainedOn, inputs }, task);
  const fixed = source?.normalisation ?? ('config' in start ? start.normalisation : undefined);
  const normalisation = fixed ?? (await fitNormalisation(dataset, dataset.indicesOf('train'), config.normalisation));
  refuseUnfit(task, config, normalisation);
  refuseUnfitMatcher(config, source !== undefined);
  const matcher = parseMatcherConfig(matcherOptions(config, normalisation.optical.bands === 'rgb' ? 3 : 1));
  if (from) requireMatcher(from.content, matcher, from.file);
  const pairs = pairsOf(dataset);
  return {
    ...{ task, config, processes, source, last, matcher, normalisation, pairs, trainedOn, inputs },
    folder: new RunFiles(store, task.run, METRICS, task.onLog),
    shape: matcher,
    shifts: repaired?.shifts,
    patches: new PatchCache(dataset, normalisation),
    validationPairs: drawValidationPairs({
      ...{ records: dataset.records, indices: dataset.indicesOf('validation'), guard: pairs.guard },
      ...config.validation,
    }),
  };
}

const resumedConfig = ({ last, epochs }: ResumedStart): TrainingConfig =>
  parseConfig({ ...last.training, ...(epochs !== undefined && { epochs }) }, 'the run');

/** @throws UsageError where the processes do not have the same data, settings and start. */
async function requireSameInputs(
  { communicator = ALONE, backend, dataset, run }: TrainingTask,
  config: TrainingConfig,
  { trainedOn, inputs }: Pick<Given, 'trainedOn' | 'inputs'>,
  last: LastCheckpoint | undefined,
): Promise<void> {
  if (communicator.size === 1) return;
  const places = await sha256(new TextEncoder().encode(JSON.stringify(trainedOn.places)));
  const { from, negatives, alignment } = inputs;
  const start = { 'model to start from': from, 'step to resume at': last?.resume.state.step };
  const files = {
    'data set': dataset.fingerprint,
    'places of its splits': places,
    'file of negatives': negatives,
    alignment,
  };
  requireSame(
    { 'version of doppel': VERSION, backend, 'folder of the run': run, ...start, ...files, ...config },
    communicator,
  );
}

/** @throws UsageError where a process would have no part of a batch. */
function processesOf({ communicator = ALONE }: TrainingTask, config: TrainingConfig): Processes | undefined {
  if (communicator.size === 1) return undefined;
  const settings = config.processes ?? processesSchema.parse({});
  refuseTooManyProcesses(communicator.size, config, config.localisation && settings.matrix === 'local' ? 2 : 1);
  return { communicator, ...settings };
}

/** Shifts of the scenes by `alignment.json`, and a fingerprint of them; undefined on raw alignment. */
async function repairedShifts({ store, dataset }: TrainingTask, { localisation }: TrainingConfig) {
  if (localisation?.alignment !== 'repaired') return undefined;
  const shifts = shiftsOf(await readAlignment(store, dataset));
  const text = JSON.stringify([...shifts].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { shifts, fingerprint: await sha256(new TextEncoder().encode(text)) };
}

/** SHA-256 of the file and of the generator's checkpoint; null where there is neither. */
function negativesFingerprint({ negatives, generator }: TrainingTask): string | null {
  return [negatives?.fingerprint, generator?.info.fingerprint].filter(Boolean).join('+') || null;
}

/** Places of both splits; those of the checkpoint that is trained on count as seen, too. */
function trainedOnOf(config: TrainingConfig, dataset: Dataset, from: Checkpoint | undefined): Checkpoint['trainedOn'] {
  const groupsOf = (split: Split) => dataset.indicesOf(split).map((index) => dataset.records[index]!.group);
  const before = from?.trainedOn;
  const isSame = before !== undefined && isSameData(before.dataFingerprint, dataset.fingerprint);
  // Throws where a place that is validated on was trained on.
  if (before) {
    const { fingerprint } = dataset;
    checkHeldOut(before, { split: 'validation', fingerprint, places: new Set(groupsOf('validation')) });
  }
  const all = (split: 'train' | 'validation') =>
    [...new Set([...groupsOf(split), ...((isSame && before?.places?.[split]) || [])])].sort();
  return {
    folder: config.data,
    dataFingerprint: dataset.fingerprint,
    places: { train: all('train'), validation: all('validation') },
  };
}

function pairsOf({ records, indicesOf }: Dataset): TrainingPairs {
  const withLabel = (label: 0 | 1) => indicesOf('train').filter((index) => records[index]!.label === label);
  return { anchors: withLabel(1), listed: withLabel(0), guard: placeGuard(records) };
}
