/** Batches of a generator's run, one step ahead. All follows from the seed and the step. */
import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../../base/concatenate.ts';
import { Rng } from '../../base/random.ts';
import type { StagePlan } from '../../generator/architecture.ts';
import { fadePatch, padPatch, shrinkPatch } from '../../generator/fit_patch.ts';
import { augment, drawAugmentation } from '../../prepare/augmentation.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { oneStepAhead } from '../../runs/ahead.ts';
import { deck } from '../../runs/deck.ts';
import { alphaAt, type GeneratorTraining, stageAt, totalGeneratorSteps } from './config.ts';

export interface PatchSupply {
  /** [n, side, side, 1] of a step of the run. The caller disposes of it. @throws PatchError where a patch cannot be used. */
  batch(step: number): Promise<tf.Tensor4D>;
  /** Patches at the side of a stage, as they are, one after the other. */
  plain(records: readonly number[], side: number): Promise<Float32Array>;
}

interface SupplySource {
  /** SAR patches to learn from. */
  records: readonly number[];
  /** Patch side length of the data set, in pixels. */
  side: number;
  patches: Pick<PatchSource, 'sar'>;
  stages: readonly StagePlan[];
  config: Pick<GeneratorTraining, 'seed' | 'side' | 'augmentation'>;
}

export function createPatchSupply({ records, side, patches, stages, config }: SupplySource): PatchSupply {
  const deal = deck(records, config.seed, 'generator patches');
  const total = totalGeneratorSteps(stages);
  const take = oneStepAhead<Float32Array>();

  /** A patch at a stage's side, not to be changed. */
  async function shrunk(record: number, to: number): Promise<Float32Array> {
    return shrinkPatch(padPatch(await patches.sar(record), side, config.side), config.side, to);
  }

  async function prepare(step: number): Promise<Float32Array> {
    const stage = stageAt(stages, step);
    const within = step - stage.firstStep;
    const dealt = deal(stage.firstImage + within * stage.batch, stage.batch);
    const rows = dealt.map(async (record, row) => {
      const patch = moved(await shrunk(record, stage.side), stage.side, step, row);
      return fadePatch(patch, stage.side, alphaAt(stage, within));
    });
    return concatenate(await Promise.all(rows));
  }

  function moved(patch: Float32Array, width: number, step: number, row: number): Float32Array {
    const rng = Rng.derive(config.seed, 'generator augmentation', step, row);
    const drawn = drawAugmentation(rng, { ...config.augmentation, shift: 0, speckleLooks: null });
    return augment({ data: patch, width, height: width, bands: 1, unit: 'digital number' }, 'sar', drawn).data;
  }

  return {
    async batch(step) {
      const { side: width, batch } = stageAt(stages, step);
      return tf.tensor4d(await take(step, prepare, step + 1 < total), [batch, width, width, 1]);
    },
    plain: async (some, to) => concatenate(await Promise.all(some.map((record) => shrunk(record, to)))),
  };
}
