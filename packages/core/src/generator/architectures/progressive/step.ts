/**
 * One step of training the generator: encoder, critic and decoder in turn, each by its own loss and its own Adam.
 *
 * - `vae-adversarial` (Hughes, Schmitt and Zhu, Remote Sensing 2018): the decoder learns from the critic alone, on
 *   codes z ~ N(0, I); the encoder learns to invert it: ½Σ(x − G(z))² + KL, the squares summed over pixels and batch,
 *   KL averaged over the batch
 * - `vae-gan`: the decoder also learns from reconstructions, −D(G(z_E)) − D(G(z)) + ½‖x − G(z_E)‖²/pixels; the encoder
 *   by KL/dimensions + the same reconstruction term; the critic sees both kinds of fakes, half of the batch each. On
 *   request it compares patches averaged down, which leaves speckle to the critic, and holds the codes of a batch to
 *   the mean and variance of the prior
 * - `autoencoder` (the same authors, IGARSS 2018): encoder and decoder by ½‖x − G(mu + noise)‖²/pixels, no critic; mu
 *   is the code
 *
 * The critic is that of WGAN-GP (Gulrajani et al., NeurIPS 2017) with the drift term of Karras et al. (ICLR 2018),
 * appendix A: D(fake) − D(real) + 10·(‖∂D/∂mix‖ − 1)² + 0.001·D(real)², averaged over the batch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { COUNTERS_A_STEP } from '../../../base/philox.ts';
import { hash32 } from '../../../base/random.ts';
import { type AdamHyperparameters, avgPool, normalNoise, reparameterize, uniformNoise } from '../../../ops/ops.ts';
import { variableGradients } from '../../../ops/variable_gradients.ts';
import { adamStep, type Moments } from '../../../runs/moments.ts';
import {
  type Generator,
  type Growth,
  type NetworkOptions,
  TRAINED_NETWORKS,
  type TrainedNetwork,
} from '../../architecture.ts';
import { moveAverage } from '../move_average.ts';
import { criticise, decode, encode } from './networks.ts';

export const OBJECTIVES = ['vae-adversarial', 'vae-gan', 'autoencoder'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** Standard deviation of the noise on the code of `autoencoder`. */
export const CODE_NOISE = 0.05;

/** Adam as published. */
export const GENERATOR_ADAM: Readonly<Record<TrainedNetwork, AdamHyperparameters>> = {
  encoder: { learningRate: 5e-4, beta1: 0.5, beta2: 0.99, epsilon: 1e-8 },
  decoder: { learningRate: 1e-3, beta1: 0, beta2: 0.99, epsilon: 1e-8 },
  critic: { learningRate: 1e-3, beta1: 0, beta2: 0.99, epsilon: 1e-8 },
};

export interface GeneratorStepOptions extends Growth {
  objective: Objective;
  /** Decides all noise, together with stage and step. */
  seed: number;
  /** Step since the moments were zero, from 0. Each stage begins again at 0, as a new level has no moments. */
  step: number;
  /** Default: `GENERATOR_ADAM`. */
  adam?: Readonly<Record<TrainedNetwork, AdamHyperparameters>>;
  /**
   * Code that the encoder's loss decodes: a draw from the posterior (default), without which nothing but KL would set
   * its variance, or its mean, as the authors' first code does.
   */
  code?: 'sample' | 'mean';
  /** Default 1. */
  klWeight?: number;
  /** Weight of the reconstruction term of `vae-gan`, for encoder and decoder. Default 1. */
  reconstructionWeight?: number;
  /**
   * Side to which the reconstruction term of `vae-gan` averages both patches down, if they are larger: speckle cannot
   * be foretold from a code, and its error drowns that of the ground. Default: no averaging.
   */
  reconstructionSide?: number | undefined;
  /**
   * Of the squared distance between mean and variance of the codes of a batch and those of the prior, 0 and 1, averaged
   * over dimensions: for the encoder of `vae-gan`. It forbids what KL must pay for in every patch, that all codes lie
   * on one side. After Kumar, Sattigeri and Balakrishnan (ICLR 2018, DIP-VAE), without the covariances. Default 0.
   */
  momentWeight?: number;
  /** Default 10. */
  penaltyWeight?: number;
  /** Default 0.001. */
  driftWeight?: number;
  /** Share of the old value in a step of the averaged decoder. Default 0.999. */
  averageDecay?: number;
}

/**
 * The terms of each network's loss before its update, with their weights:
 *
 * - encoder: `reconstruction` + `kl` + `moments`
 * - critic: `fake` − `real` + `penalty` + `drift`
 * - decoder: `adversarial` + `reconstruction`
 *
 * Terms and networks that an objective lacks are absent.
 */
export type GeneratorLosses<Value = tf.Scalar> = Partial<Record<TrainedNetwork, Record<string, Value>>>;

/** Updates of a step in their order, each named for its loss; it sees the weights that the ones before have left. */
export const updatesOf = (objective: Objective): readonly TrainedNetwork[] =>
  objective === 'autoencoder' ? ['encoder'] : ['encoder', 'critic', 'decoder'];

/**
 * Trains all networks that the objective has by one batch: parameters, the averaged decoder and the moments change.
 *
 * @param batch patches [n, side, side, 1] at the stage's side, n a multiple of 4.
 * @returns scalars that the caller disposes of (`lossValues` does). When one is not finite, nor are the weights of its
 * network any more.
 */
export function generatorStep(
  generator: Generator,
  moments: Moments,
  batch: tf.Tensor4D,
  options: GeneratorStepOptions,
): GeneratorLosses {
  return tf.tidy(() => {
    const losses: GeneratorLosses = {};
    for (const update of updatesOf(options.objective)) {
      const { terms, gradients } = generatorGradients(generator, batch, update, options);
      losses[update] = terms;
      applyGeneratorGradients(generator, moments, gradients, options);
      tf.dispose(gradients);
    }
    return losses;
  });
}

export type GeneratorGradients = {
  /** Terms of the update's loss. */
  terms: Record<string, tf.Scalar>;
  /** Gradients by parameter; levels that the stage does not use have none. */
  gradients: tf.NamedTensorMap;
};

/**
 * Loss and gradients of one update of a step; the caller disposes of them. Nothing of the generator changes, so that
 * the gradients of several batches can be averaged before they are applied.
 */
export function generatorGradients(
  generator: Generator,
  batch: tf.Tensor4D,
  update: TrainedNetwork,
  options: GeneratorStepOptions,
): GeneratorGradients {
  const losses = new StepLosses(generator, batch, options);
  return tf.tidy(() => (options.objective === 'autoencoder' ? losses.autoencoder() : losses[update]()));
}

/** Moves the networks that have gradients, their moments and, with the decoder, its average. */
export function applyGeneratorGradients(
  generator: Generator,
  moments: Moments,
  gradients: tf.NamedTensorMap,
  { step, adam = GENERATOR_ADAM, averageDecay = 0.999 }: GeneratorStepOptions,
): void {
  for (const network of TRAINED_NETWORKS) {
    const used = [...generator[network]].filter(([name]) => gradients[name]);
    if (used.length === 0) continue;
    adamStep(used, gradients, moments, { step, ...adam[network] });
    if (network === 'decoder') moveAverage(generator, averageDecay);
  }
}

/** Losses by `network.term`. */
export function flatLosses<Value>(losses: GeneratorLosses<Value>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(losses).flatMap(([network, terms]) =>
      Object.entries(terms).map(([term, value]) => [`${network}.${term}`, value]),
    ),
  );
}

/** Reads the losses in one transfer, and disposes of them. */
export async function lossValues(losses: GeneratorLosses): Promise<GeneratorLosses<number>> {
  const entries = Object.entries(losses).flatMap(([network, terms]) =>
    Object.entries(terms).map(([term, value]) => ({ network: network as TrainedNetwork, term, value })),
  );
  const together = tf.stack(entries.map(({ value }) => value));
  const values = await together.data();
  tf.dispose([together, losses]);
  const read: GeneratorLosses<number> = {};
  entries.forEach(({ network, term }, i) => {
    read[network] = { ...read[network], [term]: values[i]! };
  });
  return read;
}

/** Losses of a step's updates, each with its gradients. */
class StepLosses {
  private readonly generator: Generator;
  private readonly x: tf.Tensor4D;
  private readonly options: GeneratorStepOptions;
  private readonly count: number;
  private readonly pixels: number;
  private readonly latent: number;

  constructor(generator: Generator, x: tf.Tensor4D, options: GeneratorStepOptions) {
    this.generator = generator;
    this.x = x;
    this.options = options;
    this.count = x.shape[0];
    this.pixels = x.shape[1] * x.shape[2];
    // [latent, 16 · channels]: a code enters the decoder here.
    this.latent = generator.decoder.get('decoder.dense.kernel')!.shape[0]!;
  }

  encoder(): GeneratorGradients {
    const { objective, klWeight = 1, momentWeight = 0, code = 'sample' } = this.options;
    return this.gradientsOf(['encoder'], (terms) => {
      const { z, kl } = this.posterior('encoder', 'parameters', code);
      const again = decode(this.generator.decoder, z, this.growth('input'));
      if (objective !== 'vae-gan') {
        return tf.add(terms('reconstruction', this.halfSquares(again)), terms('kl', tf.mul(tf.mean(kl), klWeight)));
      }
      const loss = tf.add(
        terms('reconstruction', this.contentError(again)),
        terms('kl', tf.mul(tf.mean(kl), klWeight / z.shape[1])),
      );
      return momentWeight === 0 ? loss : tf.add(loss, terms('moments', tf.mul(distanceToPrior(z), momentWeight)));
    });
  }

  critic(): GeneratorGradients {
    const { penaltyWeight = 10, driftWeight = 1e-3 } = this.options;
    const { critic } = this.generator;
    const fake = this.fakes();
    const u = uniformNoise([this.count, 1, 1, 1], this.draw('mix'));
    const mix = tf.tidy(() => tf.add(this.x, tf.mul(tf.sub(fake, this.x), u)) as tf.Tensor4D);
    const gradients = this.gradientsOf(['critic'], (terms) => {
      // The penalty first: its activations are the most, and the backward pass frees those of the others before.
      const slope = tf.grad((at) => tf.sum(criticise(critic, at as tf.Tensor4D, this.growth('input'))))(mix);
      const norm = tf.sqrt(tf.add(tf.sum(tf.square(slope), [1, 2, 3]), 1e-12));
      const penalty = terms('penalty', tf.mul(tf.mean(tf.square(tf.sub(norm, 1))), penaltyWeight));
      const onReal = criticise(critic, this.x, this.growth('parameters'));
      const real = terms('real', tf.mean(onReal));
      const drift = terms('drift', tf.mul(tf.mean(tf.square(onReal)), driftWeight));
      const onFake = terms('fake', tf.mean(criticise(critic, fake, this.growth('parameters'))));
      return tf.add(tf.add(tf.sub(onFake, real), penalty), drift);
    });
    tf.dispose([fake, mix]);
    return gradients;
  }

  decoder(): GeneratorGradients {
    const { critic, decoder } = this.generator;
    const score = (patches: tf.Tensor4D) => tf.neg(tf.mean(criticise(critic, patches, this.growth('input'))));
    return this.gradientsOf(['decoder'], (terms) => {
      const made = decode(decoder, this.prior('decoder prior'), this.growth('parameters'));
      if (this.options.objective === 'vae-adversarial') return terms('adversarial', score(made));
      const again = decode(decoder, this.code('decoder posterior'), this.growth('parameters'));
      return tf.add(
        terms('adversarial', tf.add(score(made), score(again))),
        terms('reconstruction', this.contentError(again)),
      );
    });
  }

  autoencoder(): GeneratorGradients {
    return this.gradientsOf(['encoder', 'decoder'], (terms) => {
      const { mu } = encode(this.generator.encoder, this.x, this.growth('parameters'));
      const code = tf.add(mu, tf.mul(normalNoise(mu.shape, this.draw('code')), CODE_NOISE)) as tf.Tensor2D;
      const squares = this.halfSquares(decode(this.generator.decoder, code, this.growth('both')));
      return terms('reconstruction', tf.div(squares, this.count * this.pixels));
    });
  }

  /** Fakes for the critic, as data: [n, side, side, 1]. */
  private fakes(): tf.Tensor4D {
    return tf.tidy(() => {
      const prior = this.prior('critic prior');
      if (this.options.objective === 'vae-adversarial') return this.decoded(prior);
      const half = this.count >> 1;
      const latent = prior.shape[1];
      const posterior = this.code('critic posterior');
      const codes = [tf.slice(prior, [0, 0], [half, latent]), tf.slice(posterior, [half, 0], [-1, latent])];
      return this.decoded(tf.concat(codes, 0) as tf.Tensor2D);
    });
  }

  private decoded(z: tf.Tensor2D): tf.Tensor4D {
    return decode(this.generator.decoder, z, this.growth('both'));
  }

  /** z ~ N(0, I): [n, latent] */
  private prior(purpose: string): tf.Tensor2D {
    return normalNoise([this.count, this.latent], this.draw(purpose)) as tf.Tensor2D;
  }

  /** A draw from the posterior, as data. */
  private code(purpose: string): tf.Tensor2D {
    return tf.tidy(() => {
      const { z } = this.posterior(purpose, 'both', 'sample');
      return z;
    });
  }

  private posterior(purpose: string, wanted: NetworkOptions['wanted'], code: 'sample' | 'mean') {
    const { mu, logvar } = encode(this.generator.encoder, this.x, this.growth(wanted));
    // Without noise the draw is the mean.
    return reparameterize(mu, logvar, code === 'mean' ? { eps: tf.zerosLike(mu) } : this.draw(purpose));
  }

  /** ½Σ(x − made)² over pixels and batch. */
  private halfSquares(made: tf.Tensor4D): tf.Scalar {
    return tf.mul(tf.sum(tf.square(tf.sub(this.x, made))), 0.5) as tf.Scalar;
  }

  /** ½‖x − made‖²/pixels of both averaged down, with its weight: the mean over the batch. */
  private contentError(made: tf.Tensor4D): tf.Scalar {
    const { reconstructionWeight = 1, reconstructionSide = Infinity } = this.options;
    let difference = tf.sub(this.x, made) as tf.Tensor4D;
    while (difference.shape[1] > reconstructionSide) difference = avgPool(difference);
    return tf.mul(tf.mean(tf.square(difference)), 0.5 * reconstructionWeight) as tf.Scalar;
  }

  private growth(wanted: NetworkOptions['wanted'] = 'both'): NetworkOptions {
    const { stage, alpha } = this.options;
    return { stage, alpha, wanted };
  }

  private draw(purpose: string) {
    const { seed, stage, step } = this.options;
    return {
      seed: hash32(JSON.stringify([seed, 'generator', stage, purpose])) >>> 0,
      offset: step * COUNTERS_A_STEP,
    };
  }

  /**
   * Gradients by the parameters of networks, of the loss that `lossOf` makes.
   *
   * @param lossOf notes each term of the loss by its name, and returns their sum.
   */
  private gradientsOf(
    networks: readonly TrainedNetwork[],
    lossOf: (terms: (name: string, value: tf.Tensor) => tf.Scalar) => tf.Tensor,
  ): GeneratorGradients {
    const terms: Record<string, tf.Scalar> = {};
    const parameters = networks.flatMap((network) => [...this.generator[network]]);
    const note = (name: string, value: tf.Tensor): tf.Scalar => {
      // A copy, since the backward pass frees what it is done with.
      terms[name] = tf.keep(tf.clone(value)) as tf.Scalar;
      return value as tf.Scalar;
    };
    const gradients = tf.tidy(() => {
      const { grads } = variableGradients(
        () => lossOf(note) as tf.Scalar,
        parameters.map(([, variable]) => variable),
      );
      const used = parameters.filter(([, { name }]) => grads[name]);
      return Object.fromEntries(used.map(([parameter, { name }]) => [parameter, grads[name]!]));
    });
    return { terms, gradients };
  }
}

/** Mean over dimensions of mean² + (variance − 1)², both over the batch: 0 for the moments of N(0, I). z [n, latent] */
function distanceToPrior(z: tf.Tensor2D): tf.Scalar {
  const mean = tf.mean(z, 0, true);
  const variance = tf.mean(tf.square(tf.sub(z, mean)), 0, true);
  return tf.mean(tf.add(tf.square(mean), tf.square(tf.sub(variance, 1)))) as tf.Scalar;
}

/** Terms of the losses, as `generatorStep` names them; those that an objective lacks stay empty. */
export const LOSS_TERMS = [
  'encoder.reconstruction',
  'encoder.kl',
  'encoder.moments',
  'critic.real',
  'critic.fake',
  'critic.penalty',
  'critic.drift',
  'decoder.adversarial',
  'decoder.reconstruction',
] as const;
type LossTerm = (typeof LOSS_TERMS)[number];

/**
 * Network at fault where a loss is not finite. A network is first seen broken in the loss of another: encoder, critic
 * and decoder learn in this order, and each loss is of the weights that the steps before have left.
 */
const BLAME: readonly [LossTerm, TrainedNetwork][] = [
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

export function culprit(values: Readonly<Record<string, number>>): string | undefined {
  const bad = BLAME.find(([term]) => !Number.isFinite(values[term] ?? 0));
  // An auto-encoder has one loss for both, and no term that is the encoder's alone.
  return bad && values['encoder.kl'] === undefined ? 'encoder and decoder' : bad?.[1];
}
