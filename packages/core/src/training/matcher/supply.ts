/**
 * The batches of a run, one step ahead: while a step computes, the files of the next are read and its patches prepared.
 */
import * as tf from '@tensorflow/tfjs-core';
import { classWeights } from '../../matcher/loss.ts';
import type { PatchShape } from '../../prepare/patch_source.ts';
import type { PatchDraw, StepPlan } from './sampler.ts';
import type { Batch } from './step.ts';

/** Makes a patch of a batch ready: prepared and augmented, side · side · bands numbers. */
export type DrawPatch = (modality: 'sar' | 'optical', draw: PatchDraw, step: number) => Promise<Float32Array>;

export interface Supply {
  /** The caller disposes of the tensors. @throws PatchError where a patch cannot be used. */
  batch(step: number): Promise<Batch>;
}

interface Prepared {
  step: number;
  plan: StepPlan;
  sar: Float32Array;
  optical: Float32Array;
}

/** @param planOf what each step trains on; undefined after the last. */
export function createSupply(
  planOf: (step: number) => StepPlan | undefined,
  drawPatch: DrawPatch,
  { side, sarBands, opticalBands }: PatchShape,
): Supply {
  let ahead: { step: number; prepared: Promise<Prepared> } | undefined;

  async function prepare(step: number): Promise<Prepared> {
    const plan = planOf(step);
    if (!plan) throw new Error(`step ${step} is beyond the end of the run`);
    const all = (modality: 'sar' | 'optical') =>
      Promise.all(plan[modality].map((draw) => drawPatch(modality, draw, step))).then(concatenate);
    const [sar, optical] = await Promise.all([all('sar'), all('optical')]);
    return { step, plan, sar, optical };
  }

  function start(step: number): Promise<Prepared> {
    const prepared = prepare(step);
    prepared.catch(() => {}); // reported when it is awaited, at its own step
    return prepared;
  }

  return {
    async batch(step) {
      const { plan, sar, optical } = await (ahead?.step === step ? ahead.prepared : prepare(step));
      ahead = planOf(step + 1) ? { step: step + 1, prepared: start(step + 1) } : undefined;
      return {
        sar: tf.tensor4d(sar, [plan.sar.length, side, side, sarBands]),
        optical: tf.tensor4d(optical, [plan.optical.length, side, side, opticalBands]),
        pairing: plan.pairing,
        labels: tf.tensor1d(plan.labels, 'int32'),
        weights: tf.tensor1d(classWeights(plan.labels)),
      };
    },
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(length * parts.length);
  parts.forEach((part, i) => {
    all.set(part, i * length);
  });
  return all;
}
