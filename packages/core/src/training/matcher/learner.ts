/** What changes while a matcher is trained: weights, statistics, moments; and how they go into a checkpoint and back. */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../../errors.ts';
import { type Checkpoint, matcherOf, type Values, valuesOf } from '../../matcher/checkpoint.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import { type Batch, type Moments, type StepOptions, trainingStep, zeroMoments } from './step.ts';

export interface StepResult {
  /** Mean cross-entropy of the batch, before the step. */
  loss: number;
  gradientNorm: number;
}

export class Learner {
  readonly matcher: Matcher;
  private readonly moments: Moments;

  constructor(matcher: Matcher, moments: Moments = zeroMoments(matcher)) {
    this.matcher = matcher;
    this.moments = moments;
  }

  /** Weights and moments of a `last` checkpoint. */
  static from(checkpoint: Checkpoint & { resume: NonNullable<Checkpoint['resume']> }): Learner {
    const { first, second } = checkpoint.resume;
    return new Learner(matcherOf(checkpoint), { first: tensorsOf(first), second: tensorsOf(second) });
  }

  /** Disposes of the batch. @throws NonFiniteError, and the learner is of no use any more. */
  async step(batch: Batch, options: StepOptions): Promise<StepResult> {
    const scalars = trainingStep(this.matcher, this.moments, batch, options);
    tf.dispose([batch.sar, batch.optical, batch.labels, batch.weights]);
    const [loss, gradientNorm] = (await Promise.all([scalars.loss.data(), scalars.gradientNorm.data()])).map(
      ([value]) => value as number,
    ) as [number, number];
    tf.dispose([scalars.loss, scalars.gradientNorm]);
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return { loss, gradientNorm };
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

  async momentValues(): Promise<{ first: Map<string, Values>; second: Map<string, Values> }> {
    return { first: await valuesOf(this.moments.first), second: await valuesOf(this.moments.second) };
  }

  dispose(): void {
    this.matcher.dispose();
    tf.dispose([...this.moments.first.values(), ...this.moments.second.values()]);
  }
}

function tensorsOf(values: ReadonlyMap<string, Values>): Map<string, tf.Tensor> {
  return new Map([...values].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]));
}
