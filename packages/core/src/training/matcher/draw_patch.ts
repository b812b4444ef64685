/** From a row of a batch to numbers: the patch is read, augmented in its own unit, and prepared as the normalisation says. */

import { Rng } from '../../base/random.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { type PatchStack, patchAt } from '../../generator/made_patches.ts';
import { standardiseAgain } from '../../generator/match_histogram.ts';
import { type Augmentation, type AugmentationConfig, augment, drawAugmentation } from '../../prepare/augmentation.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import type { TrainingConfig } from './config.ts';
import type { DrawPatch } from './supply.ts';

interface PatchSources {
  dataset: Dataset;
  normalisation: Normalisation;
  /** Prepared patches, for a run without augmentation. */
  patches: PatchSource;
  config: Pick<TrainingConfig, 'seed' | 'augmentation'>;
  /** The made patches of the batch that is drawn, which are prepared already. */
  made?: (() => PatchStack | undefined) | undefined;
}

/** Both patches of a pair are drawn with the same geometry; what is drawn follows from seed, step and geometry alone. */
export function patchDrawer({ dataset, normalisation, patches, config, made: stack }: PatchSources): DrawPatch {
  const { seed, augmentation } = config;
  const madePatch = (row: number) => patchAt(stack!()!, row);
  if (changesNothing(augmentation)) {
    return async (modality, { record, made }) => (made === undefined ? patches[modality](record) : madePatch(made));
  }
  return async (modality, { record, geometry, made }, step) => {
    const drawn = drawAugmentation(Rng.derive(seed, 'augmentation', step, geometry), augmentation);
    if (made !== undefined) return moveMade(madePatch(made), drawn, normalisation);
    const raster = await (modality === 'sar' ? dataset.readSar(record) : dataset.readOptical(record));
    const file = dataset.records[record]![modality];
    return preparePatch(augment(raster, modality, drawn), modality, normalisation, file);
  };
}

/** A made patch has no unit that speckle could be added in; flips, turns and shifts are the same as before preparing. */
function moveMade(patch: Float32Array, drawn: Augmentation, normalisation: Normalisation): Float32Array {
  const { side } = normalisation;
  const raster = { data: patch, width: side, height: side, bands: 1, unit: 'digital number' as const };
  const { data } = augment(raster, 'sar', { ...drawn, speckle: null });
  const isShifted = drawn.shift.columns !== 0 || drawn.shift.rows !== 0;
  return isShifted ? standardiseAgain(data === patch ? patch.slice() : data, normalisation) : data;
}

const changesNothing = ({ flips, turns, shift, speckleLooks }: AugmentationConfig) =>
  !flips && !turns && shift === 0 && speckleLooks === null;
