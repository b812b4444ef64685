/** What changes while a generator is trained: its networks and moments. */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../../errors.ts';
import { generatorOf, type LastGeneratorCheckpoint } from '../../generator/checkpoint.ts';
import { type Generator, NETWORKS, type Network, sideAt } from '../../generator/generator.ts';
import { type Moments, momentsFrom, momentTensors, momentValues } from '../../runs/moments.ts';
import { type Values, valuesOf } from '../../runs/values.ts';
import { flatLosses, type LossTerm } from './metrics_log.ts';
import { type GeneratorStepOptions, generatorStep, lossValues, zeroGeneratorMoments } from './step.ts';

export class GeneratorLearner {
  readonly generator: Generator;
  private moments: Moments;

  constructor(generator: Generator, moments: Moments = zeroGeneratorMoments(generator)) {
    this.generator = generator;
    this.moments = moments;
  }

  /** Weights and moments of a `last` checkpoint. */
  static from(checkpoint: LastGeneratorCheckpoint): GeneratorLearner {
    return new GeneratorLearner(generatorOf(checkpoint), momentsFrom(checkpoint.resume));
  }

  /** Trains by a batch and disposes of it. @throws NonFiniteError that names the network; discard the learner afterwards. */
  async step(batch: tf.Tensor4D, options: GeneratorStepOptions): Promise<Partial<Record<LossTerm, number>>> {
    const losses = generatorStep(this.generator, this.moments, batch, options);
    batch.dispose();
    const values = flatLosses(await lossValues(losses));
    const guilty = culprit(values);
    if (guilty === undefined) return values;
    throw notFinite(guilty, `at step ${options.step + 1} of side ${sideAt(options.stage)}`, listed(values));
  }

  /** A new level starts without moments. */
  resetMoments(): void {
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
    this.generator.dispose();
    tf.dispose(momentTensors(this.moments));
  }
}

/**
 * Network at fault where a loss is not finite. A network is first seen broken in the loss of another: encoder, critic and decoder
 * learn in this order, and each loss is of the weights that the steps before have left.
 */
const BLAME: readonly [LossTerm, Network][] = [
  ['encoder.kl', 'encoder'],
  ['encoder.moments', 'encoder'],
  ['encoder.reconstruction', 'decoder'], // a finite code comes before it
  ['critic.real', 'critic'],
  ['critic.fake', 'decoder'],
  ['critic.penalty', 'critic'],
  ['critic.drift', 'critic'],
  ['decoder.adversarial', 'critic'], // its weights of this very step; its score of the same decoder was finite
  ['decoder.reconstruction', 'encoder'], // likewise
];

function culprit(values: Partial<Record<LossTerm, number>>): string | undefined {
  const bad = BLAME.find(([term]) => values[term] !== undefined && !Number.isFinite(values[term]));
  // An auto-encoder has one loss for both, and no term that is the encoder's alone.
  return bad && values['encoder.kl'] === undefined ? 'encoder and decoder' : bad?.[1];
}

const listed = (values: Partial<Record<LossTerm, number>>) =>
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

const USED_FROM = /^\w+\.(?:conv|gray)(\d+)/;

/** How far the weights of each trained network in use have moved: ‖w − w₀‖ / ‖w₀‖. */
export function movement(
  before: ReadonlyMap<string, Values>,
  after: ReadonlyMap<string, Values>,
  side: number,
): Record<string, number> {
  const sums = new Map<string, { moved: number; length: number }>();
  for (const [name, { data }] of after) {
    const network = name.split('.')[0]!;
    if (network === 'average' || Number(USED_FROM.exec(name)?.[1] ?? 0) > side) continue;
    const sum = sums.get(network) ?? { moved: 0, length: 0 };
    const was = before.get(name)!.data;
    data.forEach((value, i) => {
      sum.moved += (value - was[i]!) ** 2;
      sum.length += was[i]! ** 2;
    });
    sums.set(network, sum);
  }
  return Object.fromEntries([...sums].map(([network, { moved, length }]) => [network, Math.sqrt(moved / length)]));
}
