/** A run, fresh or taken up again: everything that its steps need, checked before the first of them. */

import type { Dataset } from '../../dataset/dataset.ts';
import type { PairReference, Split } from '../../dataset/patch_pair.ts';
import { type PlaceGuard, placeGuard } from '../../dataset/place_guard.ts';
import { CheckpointError, UsageError } from '../../errors.ts';
import type { LatentGenerator } from '../../generator/latent.ts';
import { type MadePatches, type NegativeSet, requireSamePreparation } from '../../generator/made_patches.ts';
import { type Checkpoint, loadCheckpoint, matcherOf, requireMatcher } from '../../matcher/checkpoint.ts';
import { createMatcher, parseMatcherConfig } from '../../matcher/matcher.ts';
import { initialState, type RunState } from '../../matcher/run_state.ts';
import { fitNormalisation, type Normalisation } from '../../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../../prepare/patch_source.ts';
import { PatchCache } from '../../prepare/prepared_patches.ts';
import { checkHeldOut } from '../../runs/held_out.ts';
import { resumable } from '../../runs/run_files.ts';
import type { Store } from '../../store.ts';
import { VERSION } from '../../version.ts';
import { generatedShare, matcherOptions, minedShare, parseConfig, type TrainingConfig, totalSteps } from './config.ts';
import { patchDrawer } from './draw_patch.ts';
import { Learner } from './learner.ts';
import type { EpochRow } from './metrics_log.ts';
import { checkpointPath, type MatcherPictures, RunFolder } from './run_folder.ts';
import { byAnchor, createSampler, madeByAnchor, type TrainingPairs } from './sampler.ts';
import { createSupply, type Supply } from './supply.ts';
import { drawValidationPairs } from './validation.ts';

/** A file that training starts from or draws on, with the SHA-256 of its bytes. */
export interface FileInput<T> {
  file: string;
  fingerprint: string;
  content: T;
}

export interface FreshStart {
  config: TrainingConfig;
  /** Train on from these weights, with their normalisation and fresh moments. */
  from?: FileInput<Checkpoint> | undefined;
  /** How patches are prepared where `from` does not say; default: measured on the training split. */
  normalisation?: Normalisation | undefined;
}

export interface ResumedStart {
  last: LastCheckpoint;
  /** Ends the run at another epoch than it was meant to. */
  epochs?: number | undefined;
}

/** A checkpoint that a run can go on from. */
export type LastCheckpoint = Checkpoint & { resume: NonNullable<Checkpoint['resume']> };

/** After a step. */
export interface TrainingProgress {
  /** Steps done. */
  step: number;
  /** Pairs trained on, of so many in the whole run. */
  pairs: number;
  totalPairs: number;
  /** Under way, from 1. */
  epoch: number;
  /** Of the step's batch. */
  loss: number;
}

export interface TrainingTask {
  store: Store;
  dataset: Dataset;
  /** Folder of the run. */
  run: string;
  /** A fresh run, or one that is taken up where its checkpoint `last` stands. */
  start: FreshStart | ResumedStart;
  /** Name of the backend that runs, for log and checkpoints. */
  backend: string;
  device?: string | undefined;
  /** Hard negatives, as `readTrainingNegatives` gives them. */
  negatives?: FileInput<NegativeSet> | undefined;
  /** For `negatives.adaptive`, where its settings name one; the caller disposes of it. */
  generator?: LatentGenerator | undefined;
  /** Draws the curves of the run's folder; `trainingPictures` of @doppel/report does. */
  pictures?: MatcherPictures | undefined;
  /** Stops between two steps; the state is saved. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  onValidation?: ((done: number, total: number) => void) | undefined;
  onEpoch?: ((row: EpochRow, isBest: boolean) => void) | undefined;
  /** Each line of the log. */
  onLog?: ((line: string) => void) | undefined;
}

export interface Run {
  task: TrainingTask;
  folder: RunFolder;
  config: TrainingConfig;
  learner: Learner;
  state: RunState;
  rows: EpochRow[];
  normalisation: Normalisation;
  shape: PatchShape;
  supply: Supply;
  /** What steps are planned from; the negatives in it may be found anew as the matcher learns. */
  pairs: TrainingPairs;
  /** Patches that the present negatives are made of. */
  made: MadePatches | undefined;
  /** Of negatives found anew: epoch (from 0) that the present ones were found at, and the first step beyond them. */
  refreshed: { epoch: number; horizon: number } | undefined;
  /** Prepared patches as they are, for validation. */
  patches: PatchSource;
  validationPairs: PairReference[];
  trainedOn: Checkpoint['trainedOn'];
  inputs: Checkpoint['inputs'];
  /** Of the last validation. */
  calibration: Checkpoint['calibration'];
  warnings: string[];
  /** Since the last validation, in this session. */
  session: { pairs: number; seconds: number; savedAt: number };
}

/** @throws CheckpointError, SplitError and PatchError as `train`. */
export async function prepareRun(task: TrainingTask): Promise<Run> {
  const { store, dataset, start } = task;
  const folder = new RunFolder(store, task.run, task.onLog);
  const last = 'last' in start ? start.last : undefined;
  const from = 'config' in start ? start.from : undefined;
  const config = 'config' in start ? start.config : resumedConfig(start);
  refuseOtherSide(config, dataset);
  const trainedOn = trainedOnOf(config, dataset, from?.content);
  const inputs = {
    from: last ? last.inputs.from : (from?.fingerprint ?? null),
    negatives: negativesFingerprint(task),
  };
  if (last) refuseOtherInputs(last, trainedOn, inputs, task);

  const trainIndices = dataset.indicesOf('train');
  const source = last ?? from?.content;
  const given = source?.normalisation ?? ('config' in start ? start.normalisation : undefined);
  const normalisation = given ?? (await fitNormalisation(dataset, trainIndices, config.normalisation));
  refuseUnfit(task, config, normalisation);
  const matcher = parseMatcherConfig(matcherOptions(config, normalisation.optical.bands === 'rgb' ? 3 : 1));
  if (from) requireMatcher(from.content, matcher, from.file);
  const guard = placeGuard(dataset.records);
  const shape = matcher;
  const patches = new PatchCache(dataset, normalisation);
  const validationPairs = drawValidationPairs({
    ...{ records: dataset.records, indices: dataset.indicesOf('validation'), guard },
    ...config.validation,
  });
  const pairs = pairsOf(task, trainIndices, guard);
  const sampler = createSampler(pairs, { seed: config.seed, ...config.batch });
  const planOf = (step: number) => {
    if (step >= totalSteps(config) || step >= (run.refreshed?.horizon ?? Number.POSITIVE_INFINITY)) return undefined;
    const epoch = Math.floor(step / config.stepsPerEpoch);
    return sampler.plan(step, {
      mined: minedShare(config, epoch, pairs.mined.size > 0),
      generated: generatedShare(config, epoch, pairs.generated !== undefined),
      listed: config.negatives.listed,
    });
  };
  const made = () => run.made?.patches;
  const run: Run = {
    ...{ task, folder, config, normalisation, shape, patches, trainedOn, inputs, validationPairs, pairs },
    made: undefined,
    refreshed: undefined,
    learner: last
      ? Learner.from(last)
      : new Learner(source ? matcherOf(source) : createMatcher({ ...matcher, seed: config.seed })),
    state: last ? resumedState(last.resume.state, config) : initialState(),
    rows: last ? await folder.readRows(last.resume.state.epoch) : [],
    supply: createSupply(planOf, patchDrawer({ dataset, patches, normalisation, config, made }), shape),
    calibration: source?.calibration,
    warnings: [],
    session: { pairs: 0, seconds: 0, savedAt: performance.now() },
  };
  if (task.negatives) installNegatives(run, task.negatives.content);
  await introduce(run);
  return run;
}

/** From the next step that is planned on. */
export function installNegatives(run: Pick<Run, 'pairs' | 'made' | 'config'>, { mined, generated }: NegativeSet): void {
  const { pairs, config } = run;
  run.made = generated;
  pairs.mined = byAnchor(mined);
  pairs.generated = generated && madeByAnchor(generated.negatives);
  const useReconstructions = generated !== undefined && config.negatives.reconstructions;
  pairs.reconstructed = useReconstructions ? madeByAnchor(generated.reconstructions) : undefined;
}

/** Of the file and of the generator; null where there is neither. */
function negativesFingerprint({ negatives, generator }: TrainingTask): string | null {
  return [negatives?.fingerprint, generator?.info.fingerprint].filter(Boolean).join('+') || null;
}

/** Made patches, and the generator of more, must fit the matcher and the settings. */
function refuseUnfit(
  { negatives, generator }: TrainingTask,
  config: TrainingConfig,
  normalisation: Normalisation,
): void {
  const generated = negatives?.content.generated;
  const { augmentation, negatives: settings } = config;
  if (generated) requireSamePreparation(generated.normalisation, normalisation, negatives.file);
  const refuse = (expected: string, found: string, remedy: string): never => {
    throw new UsageError({ action: 'train with made patches', expected, found, remedy });
  };
  if (generated && settings.reconstructions && generated.reconstructions.length === 0) {
    const remedy = 'Make them again by `doppel mine --strategy generated --reconstructions`.';
    refuse('reconstructions in the file of negatives, as "negatives.reconstructions" is on', 'none', remedy);
  }
  const isMade = generated !== undefined || generator !== undefined;
  if (isMade && augmentation.speckleLooks !== null) {
    const remedy = 'Leave it out (null): speckle on real patches only would give made ones away.';
    refuse('no augmentation by speckle', `"augmentation.speckleLooks" ${augmentation.speckleLooks}`, remedy);
  }
  const wanted = settings.adaptive?.generator ?? null;
  if (settings.adaptive && settings.adaptive.strengths.length > 0 && wanted === null) {
    const remedy = 'Name its checkpoint, or give no "strengths" to choose among real patches only.';
    refuse('"negatives.adaptive.generator" to make patches with', 'none', remedy);
  }
  if (wanted !== null && !generator) throw new Error(`the generator ${wanted} was not opened`);
}

/**
 * The state that a run folder holds.
 *
 * @throws FileError where there is none. @throws CheckpointError where it is damaged or no `last`.
 */
export async function loadLast(store: Store, run: string): Promise<LastCheckpoint> {
  const file = checkpointPath(run, 'last');
  return resumable(await loadCheckpoint(store, file), file, 'Train on from these weights by --from.');
}

function resumedConfig({ last, epochs }: ResumedStart): TrainingConfig {
  return parseConfig({ ...last.training, ...(epochs !== undefined && { epochs }) }, 'the run');
}

/** A finished run goes on where it was given more epochs. */
function resumedState(state: RunState, config: TrainingConfig): RunState {
  const goesOn = state.finished === 'all epochs' && state.step < totalSteps(config);
  return { ...structuredClone(state), ...(goesOn && { finished: null }) };
}

function refuseOtherSide({ side, data }: TrainingConfig, { header }: Dataset): void {
  if (header.side === side) return;
  throw new UsageError({
    action: `train on patches of side ${side}`,
    expected: `the side of the patches in ${data}`,
    found: `patches of side ${header.side}`,
    remedy: `Leave "side" out, or import the data again with --side ${side}.`,
  });
}

/** The places of both splits; those of the checkpoint that is trained on count as seen, too. */
function trainedOnOf(config: TrainingConfig, dataset: Dataset, from: Checkpoint | undefined): Checkpoint['trainedOn'] {
  const groupsOf = (split: Split) => dataset.indicesOf(split).map((index) => dataset.records[index]!.group);
  const before = from?.trainedOn;
  const isSameData = before?.dataFingerprint === dataset.fingerprint;
  // Throws where a place that is validated on was trained on.
  if (before) {
    const { fingerprint } = dataset;
    checkHeldOut(before, { split: 'validation', fingerprint, places: new Set(groupsOf('validation')) });
  }
  const all = (split: 'train' | 'validation') =>
    [...new Set([...groupsOf(split), ...((isSameData && before?.places?.[split]) || [])])].sort();
  return {
    folder: config.data,
    dataFingerprint: dataset.fingerprint,
    places: { train: all('train'), validation: all('validation') },
  };
}

/** A run goes on bit for bit only with what it began with. */
function refuseOtherInputs(
  last: LastCheckpoint,
  trainedOn: Checkpoint['trainedOn'],
  inputs: Checkpoint['inputs'],
  { run, dataset }: TrainingTask,
): void {
  const refuse = (expected: string, found: string): never => {
    const remedy = 'Bring back what the run began with, or start a new one (--from takes its weights).';
    throw new CheckpointError({
      action: 'take up the run of',
      file: checkpointPath(run, 'last'),
      expected,
      found,
      remedy,
    });
  };
  const before = last.trainedOn;
  if (before.dataFingerprint !== dataset.fingerprint)
    refuse('the data set that it began with', `another in ${dataset.folder}`);
  for (const split of ['train', 'validation'] as const) {
    const seen = new Set(before.places?.[split]);
    const added = trainedOn.places?.[split].filter((place) => !seen.has(place)) ?? [];
    if (added.length > 0) refuse(`the ${split} split that it began with`, `the place ${added[0]} in it`);
  }
  if (inputs.negatives !== last.inputs.negatives) refuse('the mined negatives that it began with', 'others');
}

function pairsOf({ dataset: { records } }: TrainingTask, train: readonly number[], guard: PlaceGuard): TrainingPairs {
  const withLabel = (label: 0 | 1) => train.filter((index) => records[index]!.label === label);
  return { anchors: withLabel(1), listed: withLabel(0), mined: new Map(), guard };
}

/** The first lines of the log; the first write into the folder, too, which fails before any work where it cannot be written. */
async function introduce({ folder, task, config, state, learner, validationPairs, trainedOn }: Run): Promise<void> {
  const { start, backend, device } = task;
  await folder.log(
    'last' in start ? `taken up at step ${state.step}, epoch ${state.epoch + 1}` : `doppel ${VERSION}, new run`,
  );
  await folder.log(`backend: ${backend}${device ? ` (${device})` : ''}`);
  if ('last' in start && start.last.backend !== backend) {
    await folder.log(`warning: the run began on ${start.last.backend}; on ${backend} it does not go on bit for bit`);
  }
  const count = [...learner.matcher.parameters.values()].reduce((sum, { size }) => sum + size, 0);
  const { train, validation } = trainedOn.places ?? { train: [], validation: [] };
  await folder.log(
    `${config.preset}, side ${config.side}, ${count} parameters; ${config.data}: ${train.length} places to train on, ` +
      `${validation.length} to validate on (${validationPairs.length} pairs)`,
  );
}
