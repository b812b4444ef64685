/** Batches of a run, one step ahead: planned, read, augmented and prepared. */
import * as tf from '@tensorflow/tfjs-core';
import type { PlaceGuard } from '../../dataset/place_guard.ts';
import type { PatchStack } from '../../generator/patch_stack.ts';
import { type PatchShape, toTensor } from '../../prepare/patch_source.ts';
import { ownOf, type Processes } from '../../processes/communicator.ts';
import { oneStepAhead } from '../../runs/ahead.ts';
import { pairsOf } from './batch_pairs.ts';
import { generatedShare, minedShare, type TrainingConfig, totalSteps } from './config.ts';
import type { RunNegatives } from './hard_negatives.ts';
import type { Memory } from './memory.ts';
import type { PatchDraw, Sampler, StepPlan } from './sampler.ts';
import type { Batch, PairBatch } from './step.ts';

/**
 * Prepares and augments a patch of a batch: side · side · bands numbers.
 *
 * @param made patches that the draw may name a row of.
 */
export type DrawPatch = (
  modality: 'sar' | 'optical',
  draw: PatchDraw,
  step: number,
  made: PatchStack | undefined,
) => Promise<Float32Array>;

export interface Supply<B extends Batch = Batch> {
  /**
   * Batch of a step, whose tensors the caller disposes of.
   *
   * @param negatives current hard negatives; the next batch is prepared with them, too, if they are still valid.
   * @param memory of the current epoch, if the run has one.
   * @throws PatchError where a patch cannot be used.
   */
  batch(step: number, negatives: RunNegatives, memory?: Memory): Promise<B>;
}

interface Prepared {
  plan: StepPlan;
  sar: Float32Array[];
  optical: Float32Array[];
}

interface PairInputs {
  shape: PatchShape;
  guard: PlaceGuard;
  /** Processes that share each batch: every `size`-th patch and pair is an own one. */
  processes?: Processes | undefined;
}

export function createSupply(
  sampler: Sampler,
  drawPatch: DrawPatch,
  config: TrainingConfig,
  { shape, guard, processes }: PairInputs,
): Supply<PairBatch> {
  const total = totalSteps(config);
  const take = oneStepAhead<Prepared>();
  const own = <T>(list: readonly T[]) => (processes ? ownOf(list, processes.communicator) : list);

  async function prepare(step: number, negatives: RunNegatives): Promise<Prepared> {
    const epoch = Math.floor(step / config.stepsPerEpoch);
    const plan = sampler.plan(step, negatives, {
      mined: minedShare(config, epoch, negatives.mined.size > 0),
      generated: generatedShare(config, epoch, negatives.generated !== undefined),
      listed: config.negatives.listed,
    });
    const all = (modality: 'sar' | 'optical') =>
      Promise.all(own(plan[modality]).map((draw) => drawPatch(modality, draw, step, negatives.stack)));
    const [sar, optical] = await Promise.all([all('sar'), all('optical')]);
    return { plan, sar, optical };
  }

  return {
    async batch(step, negatives, memory) {
      const hasNext = step + 1 < Math.min(total, negatives.until);
      const { plan, sar, optical } = await take(step, (at) => prepare(at, negatives), hasNext);
      const pairs = pairsOf(plan, { config, step, negatives, memory, guard });
      return {
        sar: toTensor(sar, 'sar', shape),
        optical: toTensor(optical, 'optical', shape),
        ...pairs,
        pairing: { sar: own(pairs.pairing.sar), optical: own(pairs.pairing.optical) },
        ...(processes && { share: 1 / processes.communicator.size }),
        labels: tf.tensor1d(pairs.labels, 'int32'),
        weights: tf.tensor1d(pairs.weights),
      };
    },
  };
}
