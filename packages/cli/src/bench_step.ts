/** The training step that benchmarks time. */
import type { Matcher } from '@doppel/core/matcher';
import { trainingStep, zeroMoments } from '@doppel/core/training';
import * as tf from '@tensorflow/tfjs-core';

type Batch = Parameters<typeof trainingStep>[2];
type Hyperparameters = Omit<Parameters<typeof trainingStep>[3], 'seed' | 'step'>;

/** Training step of `doppel train`, repeated on one batch; it ends once the loss has been read. */
export function repeatedStep(matcher: Matcher, batch: Batch, hyperparameters: Hyperparameters): () => void {
  const moments = zeroMoments(matcher);
  let step = 0;
  return () => {
    const { loss, gradientNorm } = trainingStep(matcher, moments, batch, { ...hyperparameters, seed: 1, step: step++ });
    loss.dataSync();
    tf.dispose([loss, gradientNorm]);
  };
}
