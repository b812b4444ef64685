/**
 * A step of training `spatial`: encoder and decoder together, by
 *
 *   mean over pixels of (log R + I/R) + beta · KL / (pixels/2) + w · deviation
 *
 * with I the intensity of a patch and R the decoded reflectivity, gamma-distributed speckle of one look (Goodman 1976).
 * Neighbouring pixels share speckle, so that each counts as half a look: KL is divided by half the pixels. `deviation` is
 * the Gaussian likelihood of x − r under the decoded deviation, with r as data: reflectivity learns from the gamma
 * likelihood alone.
 */
import * as tf from '@tensorflow/tfjs-core';
import { COUNTERS_A_STEP } from '../../../base/philox.ts';
import { hash32 } from '../../../base/random.ts';
import { gammaLikelihood, reparameterize, sumOfSquares } from '../../../ops/ops.ts';
import { variableGradients } from '../../../ops/variable_gradients.ts';
import { adamStep, type Moments } from '../../../runs/moments.ts';
import type { Generator } from '../../architecture.ts';
import { moveAverage } from '../move_average.ts';
import { decodeGround, encode, type SpatialConfig } from './networks.ts';
import { klWeightAt, learningRateAt, type SpatialSettings } from './settings.ts';

/** Terms of the loss, without their weights. */
export const LOSS_TERMS = ['encoder.reconstruction', 'encoder.kl', 'decoder.deviation'] as const;

/** Natural logarithm of intensity for one unit of a patch. */
export const logIntensityOf = ({ decibels }: SpatialConfig): number => (decibels * Math.LN10) / 10;

type Gradients = { terms: Record<string, tf.Scalar>; gradients: tf.NamedTensorMap };

/** Trains by one batch of patches [n, side, side, 1]: weights, the averaged decoder and moments change. */
export function spatialStep(
  generator: Generator,
  moments: Moments,
  batch: tf.Tensor4D,
  settings: SpatialSettings,
  step: number,
): Record<string, tf.Scalar> {
  return tf.tidy(() => {
    const { terms, gradients } = spatialGradients(generator, batch, settings, step);
    const { lastRate: _, clipNorm, ...adam } = settings.optimiser;
    const parameters = parametersOf(generator);
    const learningRate = learningRateAt(step, settings);
    adamStep(parameters, limited(gradients, clipNorm), moments, { ...adam, learningRate, step });
    // The decay rises over the first steps.
    moveAverage(generator, Math.min(settings.ema, 1 - 1 / (step + 2)));
    return terms;
  });
}

/** Terms of the loss and gradients by parameter; the caller disposes of them. */
export function spatialGradients(
  generator: Generator,
  x: tf.Tensor4D,
  settings: SpatialSettings,
  step: number,
): Gradients {
  const terms: Record<string, tf.Scalar> = {};
  const note = (name: (typeof LOSS_TERMS)[number], value: tf.Tensor): tf.Scalar => {
    // A copy, since the backward pass frees what it is done with.
    terms[name] = tf.keep(tf.clone(value)) as tf.Scalar;
    return value as tf.Scalar;
  };
  const parameters = parametersOf(generator);
  const gradients = tf.tidy(() => {
    const { grads } = variableGradients(
      () => lossOf(generator, x, settings, step, note),
      parameters.map(([, variable]) => variable),
    );
    return Object.fromEntries(parameters.map(([name, variable]) => [name, grads[variable.name]!]));
  });
  return { terms, gradients };
}

function lossOf(
  { config, encoder, decoder }: Generator,
  x: tf.Tensor4D,
  { loss, seed, ...size }: SpatialSettings,
  step: number,
  note: (name: (typeof LOSS_TERMS)[number], value: tf.Tensor) => tf.Scalar,
): tf.Scalar {
  const { mu, logvar } = encode(encoder, x, { wanted: 'parameters' });
  const draw = { seed: hash32(JSON.stringify([seed, 'generator', 'code'])) >>> 0, offset: step * COUNTERS_A_STEP };
  const { z, kl } = reparameterize(mu, logvar, draw);
  const { reflectivity, logDeviation } = decodeGround(decoder, z, {});
  const unit = logIntensityOf(config as SpatialConfig);
  const intensity = tf.exp(tf.mul(x, unit));
  const likelihood = note('encoder.reconstruction', gammaLikelihood(tf.mul(reflectivity, unit), intensity));
  const divergence = note('encoder.kl', tf.mean(kl));
  const deviation = note('decoder.deviation', deviationLoss(tf.sub(x, asData(reflectivity)), logDeviation));
  const beta = klWeightAt(step, { loss, seed, ...size } as SpatialSettings);
  const perPixel = (2 * beta) / (x.shape[1] * x.shape[2]);
  return tf.addN([likelihood, tf.mul(divergence, perPixel), tf.mul(deviation, loss.deviationWeight)]) as tf.Scalar;
}

/** −log N(e; 0, s²) = log s + e²/2s² up to a constant, the mean over pixels. */
const deviationLoss = (error: tf.Tensor, logDeviation: tf.Tensor): tf.Tensor =>
  tf.mean(tf.add(logDeviation, tf.mul(tf.square(error), tf.mul(tf.exp(tf.mul(logDeviation, -2)), 0.5))));

/** The value, without a gradient. */
const asData = (x: tf.Tensor): tf.Tensor =>
  tf.customGrad((input) => ({
    value: tf.clone(input as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }))(x);

const parametersOf = ({ encoder, decoder }: Generator): [string, tf.Variable][] => [...encoder, ...decoder];

/** Gradients scaled down together where their norm is above a limit. */
function limited(gradients: tf.NamedTensorMap, norm: number): tf.NamedTensorMap {
  const length = tf.sqrt(sumOfSquares(Object.values(gradients)));
  const scale = tf.minimum(1, tf.div(norm, tf.add(length, 1e-6)));
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, scale)]));
}

/** Network whose loss is not finite: a finite code comes before the reconstruction. */
export function culprit(values: Readonly<Record<string, number>>): string | undefined {
  if (!Number.isFinite(values['encoder.kl'] ?? 0)) return 'encoder';
  return LOSS_TERMS.every((term) => Number.isFinite(values[term] ?? 0)) ? undefined : 'decoder';
}
