/** Trainable state of a matcher's run: weights, batch-normalisation statistics and optimiser moments. */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../../errors.ts';
import { matcherOf } from '../../matcher/checkpoint.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import type { Processes } from '../../processes/communicator.ts';
import { type Moments, momentsFrom, momentTensors, momentValues } from '../../runs/moments.ts';
import { type Values, valuesOf } from '../../runs/values.ts';
import { type Batch, type StepOptions, trainingStep, zeroMoments } from './step.ts';
import type { LastCheckpoint } from './task.ts';

export interface StepResult {
  /** Loss of the batch before the step, without the penalty. */
  loss: number;
  gradientNorm: number;
  /** Gradient of the logarithm of the loss's scale, if it has one. */
  ofScale?: number | undefined;
}

export class Learner {
  readonly matcher: Matcher;
  private readonly moments: Moments;

  constructor(matcher: Matcher, moments: Moments = zeroMoments(matcher)) {
    this.matcher = matcher;
    this.moments = moments;
  }

  /** Weights and moments of a `last` checkpoint. */
  static from(checkpoint: LastCheckpoint): Learner {
    return new Learner(matcherOf(checkpoint), momentsFrom(checkpoint.resume));
  }

  /**
   * Trains by a batch and disposes of it.
   *
   * @param processes that share the batch. @throws NonFiniteError; discard the learner afterwards.
   */
  async step(batch: Batch, options: StepOptions, processes?: Processes): Promise<StepResult> {
    const scalars = trainingStep(this.matcher, this.moments, batch, options, processes);
    tf.dispose(Object.values(batch).filter((value) => value instanceof tf.Tensor));
    const { ofScale: scale } = scalars;
    const [loss, gradientNorm] = await Promise.all([numberOf(scalars.loss), numberOf(scalars.gradientNorm)]);
    const ofScale = scale && (await numberOf(scale));
    tf.dispose(Object.values(scalars));
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return { loss, gradientNorm, ofScale };
    throw new NonFiniteError({
      action: `train at step ${options.step + 1}`,
      expected: 'a finite loss and gradient',
      found: `loss ${loss}, gradient norm ${gradientNorm}`,
      remedy: 'Lower the learning rate, or raise warmupSteps; the checkpoints hold the state before.',
    });
  }

  /** Parameters and statistics, off the backend. */
  async weights(): Promise<Map<string, Values>> {
    return valuesOf(new Map<string, tf.Tensor>([...this.matcher.parameters, ...this.matcher.statistics]));
  }

  async momentValues() {
    return momentValues(this.moments);
  }

  dispose(): void {
    this.matcher.dispose();
    tf.dispose(momentTensors(this.moments));
  }
}

const numberOf = async (scalar: tf.Tensor): Promise<number> => (await scalar.data())[0]!;
