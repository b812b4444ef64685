/** The matcher's training step as one that is captured and replayed: a batch of fixed shape goes in, two losses come out. */

import type { CapturedStep, StepCapture } from '../../backends/step_capture.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { type Batch, type Moments, type StepOptions, trainingStep } from './step.ts';

/** Sizes of the batches, and which patches of each meet. */
export interface BatchShape {
  /** [n, side, side, bands] */
  sar: number[];
  /** [m, side, side, bands] */
  optical: number[];
  /** Only pairs of patch k with patch k can be captured: other indices are copied to the device in the step. */
  pairing: Pairing;
}

/**
 * @param options of the first replay; rate and penalty stay, the step moves on.
 * @returns a step whose replays take `sar`, `optical`, `labels` (int32) and `weights`, and give `loss` and `gradientNorm`.
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
    state: () => [
      ...matcher.parameters.values(),
      ...matcher.statistics.values(),
      ...moments.first.values(),
      ...moments.second.values(),
    ],
    step: (batch) => trainingStep(matcher, moments, { ...batch, pairing } as unknown as Batch, options),
  });
}
