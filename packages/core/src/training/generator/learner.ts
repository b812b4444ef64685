/** Trainable state of a generator's run: its networks and optimiser moments. */
import * as tf from '@tensorflow/tfjs-core';
import { currentAbilities } from '../../backends/select_backend.ts';
import { DoppelError, NonFiniteError } from '../../errors.ts';
import {
  type CapturedSteps,
  type Generator,
  type GeneratorParameterSpec,
  type GeneratorSettings,
  type Growth,
  NETWORKS,
  type StagePlan,
  TRAINED_NETWORKS,
} from '../../generator/architecture.ts';
import { GENERATORS } from '../../generator/architectures.ts';
import { generatorOf, type LastGeneratorCheckpoint } from '../../generator/checkpoint.ts';
import { zeroGeneratorMoments } from '../../generator/generator.ts';
import { type Moments, momentsFrom, momentTensors, momentValues } from '../../runs/moments.ts';
import { type Values, valuesOf } from '../../runs/values.ts';

type Log = (line: string) => Promise<void>;

export class GeneratorLearner {
  readonly generator: Generator;
  private moments: Moments;
  private captured: CapturedSteps | undefined;
  private isCapturable = true;
  private readonly log: Log;

  /** @param log gets the reason where steps could be captured and are not. */
  constructor(generator: Generator, log: Log = async () => {}, moments: Moments = zeroGeneratorMoments(generator)) {
    this.generator = generator;
    this.log = log;
    this.moments = moments;
  }

  /** Weights and moments of a `last` checkpoint. */
  static from(checkpoint: LastGeneratorCheckpoint, log?: Log): GeneratorLearner {
    return new GeneratorLearner(generatorOf(checkpoint), log, momentsFrom(checkpoint.resume));
  }

  /**
   * Trains by a batch and disposes of it. @throws NonFiniteError that names the network; discard the learner
   * afterwards.
   */
  async step(
    batch: tf.Tensor4D,
    settings: GeneratorSettings,
    { side }: StagePlan,
    at: Growth & { step: number },
  ): Promise<Record<string, number>> {
    const { recipe } = GENERATORS.get(this.generator.preset);
    this.captured ??= await this.capture(batch.shape, settings, at.step);
    const take = async () =>
      this.captured
        ? this.captured.replay(batch, at.step)
        : numbersOf(recipe.step(this.generator, this.moments, batch, settings, at));
    const values = await take().finally(() => batch.dispose());
    const guilty = recipe.culprit(values);
    if (guilty === undefined) return values;
    throw notFinite(guilty, `at step ${at.step + 1} of side ${side}`, listed(values));
  }

  /** The steps from this one on, where backend and recipe can capture them. */
  private async capture(batch: number[], settings: GeneratorSettings, step: number) {
    const { generator, moments } = this;
    const { recipe } = GENERATORS.get(generator.preset);
    const { captureStep } = currentAbilities();
    if (!captureStep || !this.isCapturable) return undefined;
    try {
      return recipe.capture?.(captureStep, { generator, moments, settings, batch, step });
    } catch (error) {
      // Of a kernel that the device lacks, say.
      if (!(error instanceof DoppelError && error.tag === 'graph')) throw error;
      this.isCapturable = false;
      await this.log(`steps are taken one by one. ${error.message}`);
      return undefined;
    }
  }

  private release(): void {
    this.captured?.dispose();
    this.captured = undefined;
  }

  /** A new level starts without moments. */
  resetMoments(): void {
    this.release();
    tf.dispose(momentTensors(this.moments));
    this.moments = zeroGeneratorMoments(this.generator);
  }

  /** All tensors, off the backend. @throws NonFiniteError that names the network whose weights are not finite. */
  async weights(): Promise<Map<string, Values>> {
    const all = new Map<string, Values>();
    for (const network of NETWORKS) {
      for (const [name, values] of await valuesOf(this.generator[network])) {
        if (!values.data.every(Number.isFinite)) throw notFinite(network, 'on', `NaN or infinite ones in ${name}`);
        all.set(name, values);
      }
    }
    return all;
  }

  async momentValues() {
    return momentValues(this.moments);
  }

  dispose(): void {
    this.release();
    this.generator.dispose();
    tf.dispose(momentTensors(this.moments));
  }
}

/** Reads scalars in one transfer, and disposes of them. */
async function numbersOf(scalars: Record<string, tf.Scalar>): Promise<Record<string, number>> {
  const together = tf.stack(Object.values(scalars));
  const values = await together.data();
  tf.dispose([together, scalars]);
  return Object.fromEntries(Object.keys(scalars).map((name, i) => [name, values[i]!]));
}

const listed = (values: Readonly<Record<string, number>>) =>
  Object.entries(values)
    .filter(([, value]) => !Number.isFinite(value))
    .map(([term, value]) => `${term} ${value}`)
    .join(', ');

const notFinite = (network: string, when: string, found: string) =>
  new NonFiniteError({
    action: `train the ${network} ${when}`,
    expected: 'finite losses and weights',
    found,
    remedy: `Lower the learning rate of the ${network === 'average' ? 'decoder' : network}; the checkpoints hold an earlier state.`,
  });

/** Relative change of the weights in use of each trained network: ‖w − w₀‖ / ‖w₀‖. */
export function movement(
  specs: readonly GeneratorParameterSpec[],
  before: ReadonlyMap<string, Values>,
  after: ReadonlyMap<string, Values>,
  side: number,
): Record<string, number> {
  const sums = new Map<string, { moved: number; length: number }>();
  for (const { name, network, usedFrom = 0 } of specs) {
    if (!TRAINED_NETWORKS.some((each) => each === network) || usedFrom > side) continue;
    const sum = sums.get(network) ?? { moved: 0, length: 0 };
    const was = before.get(name)!.data;
    after.get(name)!.data.forEach((value, i) => {
      sum.moved += (value - was[i]!) ** 2;
      sum.length += was[i]! ** 2;
    });
    sums.set(network, sum);
  }
  return Object.fromEntries([...sums].map(([network, { moved, length }]) => [network, Math.sqrt(moved / length)]));
}
