/** Refuses inputs that a run cannot train with, before its first step. */
import type { Dataset } from '../../dataset/dataset.ts';
import { UsageError } from '../../errors.ts';
import { requireSamePreparation } from '../../generator/made_patches.ts';
import { ARCHITECTURES } from '../../matcher/architectures.ts';
import type { Checkpoint } from '../../matcher/checkpoint.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import { refuseOtherData, refuseToResume } from '../../runs/resumable_run.ts';
import { checkpointPath } from '../../runs/run_files.ts';
import type { TrainingConfig } from './config.ts';
import type { LastCheckpoint, TrainingTask } from './task.ts';

/** @throws UsageError where the data set's patches are of another side. */
export function refuseOtherSide({ side, data }: TrainingConfig, { header }: Dataset): void {
  if (header.side === side) return;
  throw new UsageError({
    action: `train on patches of side ${side}`,
    expected: `the side of the patches in ${data}`,
    found: `patches of side ${header.side}`,
    remedy: `Leave "side" out, or import the data again with --side ${side}.`,
  });
}

/** @param least true pairs or windows of a batch that a process needs. @throws UsageError where there are fewer. */
export function refuseTooManyProcesses(size: number, { batch }: TrainingConfig, least: number): void {
  if (batch.positives >= size * least) return;
  throw new UsageError({
    action: `share a batch among ${size} processes`,
    expected: `"batch.positives" of ${size * least} at least, ${least} for each`,
    found: String(batch.positives),
    remedy: 'Raise it, or start fewer processes.',
  });
}

/** @throws UsageError where made patches, or the generator of more, do not fit the matcher and the settings. */
export function refuseUnfit(
  { negatives, generator }: TrainingTask,
  { augmentation, negatives: settings }: TrainingConfig,
  normalisation: Normalisation,
): void {
  const generated = negatives?.content.generated;
  if (generated) requireSamePreparation(generated.normalisation, normalisation, negatives.file);
  const refuse = (expected: string, found: string, remedy: string): never => {
    throw new UsageError({ action: 'train with made patches', expected, found, remedy });
  };
  if (generated && settings.reconstructions && generated.reconstructions.length === 0) {
    const remedy = 'Make them again by `doppel mine generated --reconstructions`.';
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

/** @throws UsageError where settings need what the architecture, or a fresh start, does not have. */
export function refuseUnfitMatcher({ preset, loss, negatives, statistics }: TrainingConfig, hasWeights: boolean): void {
  const { localisation, towers } = ARCHITECTURES.get(preset);
  const refuse = (setting: string, expected: string, found: string, remedy: string): never => {
    throw new UsageError({ action: `train with "${setting}"`, expected, found, remedy });
  };
  if (statistics === 'frozen' && !hasWeights) {
    refuse('statistics', 'statistics to keep, of a checkpoint', 'fresh weights', 'Start from a checkpoint by --from.');
  }
  const ofPairs = { loss, 'negatives.margin': negatives.margin, 'negatives.memory': negatives.memory };
  const [setting] = Object.entries(ofPairs).find(([, value]) => value !== undefined) ?? [];
  if (localisation && setting) {
    refuse(
      setting,
      'an architecture that learns by pairs',
      preset,
      'Leave it out: its loss is a softmax over the batch.',
    );
  }
  if (negatives.memory && !towers) {
    refuse('negatives.memory', 'an architecture with a stream for each sensor', preset, 'Use the preset paper-bn.');
  }
}

/** @throws CheckpointError where data, splits or negatives are not those that the run began with. */
export function refuseOtherInputs(
  last: LastCheckpoint,
  { trainedOn, inputs }: Pick<Checkpoint, 'trainedOn' | 'inputs'>,
  { run, dataset }: TrainingTask,
): void {
  const refuse = (expected: string, found: string) =>
    refuseToResume(
      checkpointPath(run, 'last'),
      expected,
      found,
      'Bring back what the run began with, or start a new one (--from takes its weights).',
    );
  const before = last.trainedOn;
  refuseOtherData(before.dataFingerprint, dataset, refuse);
  for (const split of ['train', 'validation'] as const) {
    const seen = new Set(before.places?.[split]);
    const added = trainedOn.places?.[split].filter((place) => !seen.has(place)) ?? [];
    if (added.length > 0) refuse(`the ${split} split that it began with`, `the place ${added[0]} in it`);
  }
  if (inputs.alignment !== last.inputs.alignment) refuse('the alignment that it began with', 'another');
  if (inputs.negatives !== last.inputs.negatives) refuse('the mined negatives that it began with', 'others');
}
