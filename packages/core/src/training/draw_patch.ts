/** From a row of a batch to numbers: the patch is read, augmented in its own unit, and prepared as the normalisation says. */
import type { PatchSource } from '../evaluation/score_pairs.ts';
import { type AugmentationConfig, augment, drawAugmentation } from '../patches/augmentation.ts';
import type { Dataset } from '../patches/dataset.ts';
import type { Normalisation } from '../patches/normalisation.ts';
import { preparePatch } from '../patches/to_tensors.ts';
import { Rng } from '../random.ts';
import type { TrainingConfig } from './config.ts';
import type { DrawPatch } from './supply.ts';

interface PatchSources {
  dataset: Dataset;
  normalisation: Normalisation;
  /** Prepared patches, for a run without augmentation. */
  patches: PatchSource;
  config: Pick<TrainingConfig, 'seed' | 'augmentation'>;
}

/** Both patches of a pair are drawn with the same geometry; what is drawn follows from seed, step and geometry alone. */
export function patchDrawer({ dataset, normalisation, patches, config }: PatchSources): DrawPatch {
  const { seed, augmentation } = config;
  if (changesNothing(augmentation)) return async (modality, { record }) => patches[modality](record);
  return async (modality, { record, geometry }, step) => {
    const raster = await (modality === 'sar' ? dataset.readSar(record) : dataset.readOptical(record));
    const drawn = drawAugmentation(Rng.derive(seed, 'augmentation', step, geometry), augmentation);
    const file = dataset.records[record]![modality];
    return preparePatch(augment(raster, modality, drawn), modality, normalisation, file);
  };
}

const changesNothing = ({ flips, turns, shift, speckleLooks }: AugmentationConfig) =>
  !flips && !turns && shift === 0 && speckleLooks === null;
