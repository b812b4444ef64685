/**
 * Training step of the matcher as one that is captured and replayed: a batch of fixed shape goes in, two losses come
 * out.
 */

import type * as tf from '@tensorflow/tfjs-core';
import type { CapturedStep, StepCapture } from '../../backends/step_capture.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { type Moments, momentTensors } from '../../runs/moments.ts';
import { type StepOptions, trainingStep } from './step.ts';

/** Sizes of the batches, and the pairing of their patches. */
export interface BatchShape {
  /** [n, side, side, bands] */
  sar: number[];
  /** [m, side, side, bands] */
  optical: number[];
  /** Pairs by row. Only the pairing of patch k with patch k can be captured: others copy indices to the device. */
  pairing: Pairing;
}

/**
 * @param options of the first replay; rate and penalty stay, the step moves on.
 * @returns a step whose replays take `sar`, `optical`, `labels` (int32) and `weights`, and give `loss` and
 * `gradientNorm`.
 */
export function captureTrainingStep(
  capture: StepCapture,
  matcher: Matcher,
  moments: Moments,
  { sar, optical, pairing }: BatchShape,
  options: StepOptions,
): CapturedStep {
  const pairs = [pairing.sar.length];
  return capture({
    inputs: {
      sar: { shape: sar, dtype: 'float32' },
      optical: { shape: optical, dtype: 'float32' },
      labels: { shape: pairs, dtype: 'int32' },
      weights: { shape: pairs, dtype: 'float32' },
    },
    state: () => [...matcher.parameters.values(), ...matcher.statistics.values(), ...momentTensors(moments)],
    step: ({ sar, optical, labels, weights }) => {
      const batch = {
        ...{ sar: sar as tf.Tensor4D, optical: optical as tf.Tensor4D, pairing },
        ...{ labels: labels as tf.Tensor1D, weights: weights as tf.Tensor1D },
      };
      const { loss, gradientNorm } = trainingStep(matcher, moments, batch, options);
      return { loss, gradientNorm };
    },
  });
}
