/** Training step of the generator as one that is captured and replayed: patches of one size go in, the losses come out. */
import type * as tf from '@tensorflow/tfjs-core';
import type { CapturedStep, StepCapture } from '../../backends/step_capture.ts';
import { type Generator, NETWORKS } from '../../generator/architecture.ts';
import {
  flatLosses,
  type GeneratorStepOptions,
  generatorStep,
} from '../../generator/architectures/progressive/step.ts';
import { type Moments, momentTensors } from '../../runs/moments.ts';

/**
 * @param patches [n, side, side, 1] at the stage's side.
 * @param options of the first replay; stage, alpha and rates stay, the step moves on.
 * @returns a step whose replays take `patches` and give each loss as `network.term`.
 */
export function captureGeneratorStep(
  capture: StepCapture,
  generator: Generator,
  moments: Moments,
  patches: number[],
  options: GeneratorStepOptions,
): CapturedStep {
  return capture({
    inputs: { patches: { shape: patches, dtype: 'float32' } },
    state: () => [...NETWORKS.flatMap((network) => [...generator[network].values()]), ...momentTensors(moments)],
    step: ({ patches }) => flatLosses(generatorStep(generator, moments, patches as tf.Tensor4D, options)),
  });
}
