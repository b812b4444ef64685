/** Prepares the patches of a batch: reads each, augments it in its unit, and normalises it for the matcher. */

import { Rng } from '../../base/random.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { standardiseAgain } from '../../generator/match_histogram.ts';
import { type PatchStack, patchAt } from '../../generator/patch_stack.ts';
import { type Augmentation, type AugmentationConfig, augment, drawAugmentation } from '../../prepare/augmentation.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import type { TrainingConfig } from './config.ts';
import type { PatchDraw } from './sampler.ts';
import type { DrawPatch } from './supply.ts';

interface PatchSources {
  task: { dataset: Pick<Dataset, 'records' | 'readSar' | 'readOptical'> };
  normalisation: Normalisation;
  /** Prepared patches, for a run without augmentation. */
  patches: PatchSource;
  config: Pick<TrainingConfig, 'seed' | 'augmentation'>;
}

/** Draws both patches of a pair with the same geometry; what is drawn follows from seed, step and geometry alone. */
export function patchDrawer({ task: { dataset }, normalisation, patches, config }: PatchSources): DrawPatch {
  const { seed, augmentation } = config;
  if (changesNothing(augmentation)) {
    return async (modality, draw, _step, stack) => madePatch(draw, stack) ?? patches[modality](draw.record);
  }
  return async (modality, draw, step, stack) => {
    const { record, geometry } = draw;
    const drawn = drawAugmentation(Rng.derive(seed, 'augmentation', step, geometry), augmentation);
    const made = madePatch(draw, stack);
    if (made) return moveMade(made, drawn, normalisation);
    const raster = await (modality === 'sar' ? dataset.readSar(record) : dataset.readOptical(record));
    const file = dataset.records[record]![modality];
    return preparePatch(augment(raster, modality, drawn), modality, normalisation, file);
  };
}

/** Made patch of a draw, which is prepared already; undefined for the patch of a record. */
function madePatch({ made }: PatchDraw, stack: PatchStack | undefined): Float32Array | undefined {
  if (made === undefined) return undefined;
  if (!stack) throw new Error(`row ${made} of made patches was drawn, and there are none`);
  return patchAt(stack, made);
}

/** Augments a generated patch: it has no unit for speckle; flips, turns and shifts are those of real patches. */
function moveMade(patch: Float32Array, drawn: Augmentation, normalisation: Normalisation): Float32Array {
  const { side } = normalisation;
  const raster = { data: patch, width: side, height: side, bands: 1, unit: 'digital number' as const };
  const { data } = augment(raster, 'sar', { ...drawn, speckle: null });
  const isShifted = drawn.shift.columns !== 0 || drawn.shift.rows !== 0;
  return isShifted ? standardiseAgain(data === patch ? patch.slice() : data, normalisation) : data;
}

const changesNothing = ({ flips, turns, shift, speckleLooks }: AugmentationConfig) =>
  !flips && !turns && shift === 0 && speckleLooks === null;
