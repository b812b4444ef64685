/**
 * A step of training `spatial`: encoder and decoder together, by
 *
 *   mean over pixels of (log R + I/R) + beta · KL / (pixels/2) + w · deviation
 *
 * with I the intensity of a patch and R the decoded reflectivity, gamma-distributed speckle of one look (Goodman 1976).
 * Neighbouring pixels share speckle, so that each counts as half a look: KL is divided by half the pixels. `deviation` is
 * the Gaussian likelihood of x − r under the decoded deviation, with r as data: reflectivity learns from the gamma
 * likelihood alone.
 *
 * With a critic, r + s·n is told from real patches, where n is the residual of another patch of the batch: speckle as
 * real as that of any patch, so that the critic judges the ground. The decoder's loss has softplus(−critic) on top, its
 * weight `adversarial.weight`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { StepCapture } from '../../../backends/step_capture.ts';
import { COUNTERS_A_STEP } from '../../../base/philox.ts';
import { hash32 } from '../../../base/random.ts';
import { gammaLikelihood, reparameterize, sumOfSquares } from '../../../ops/ops.ts';
import { variableGradients } from '../../../ops/variable_gradients.ts';
import { adamStep, type Moments, momentTensors } from '../../../runs/moments.ts';
import type { CapturedSteps, Generator, StepsToCapture } from '../../architecture.ts';
import { moveAverage } from '../move_average.ts';
import { criticise, decodeGround, encode, type SpatialConfig } from './networks.ts';
import { isCriticised, klWeightAt, learningRateAt, type SpatialSettings } from './settings.ts';

/** Terms of the loss, without their weights. */
export const LOSS_TERMS = [
  'encoder.reconstruction',
  'encoder.kl',
  'decoder.deviation',
  'decoder.adversarial',
  'critic.loss',
] as const;

/** Natural logarithm of intensity for one unit of a patch. */
export const logIntensityOf = ({ decibels }: SpatialConfig): number => (decibels * Math.LN10) / 10;

/** Numbers that follow from the step, as tensors: a captured step gets new ones at each replay. */
interface Moving {
  learningRate: tf.Scalar;
  /** Weight of KL, summed over a code, in the mean over pixels. */
  klWeight: tf.Scalar;
}

const movingAt = (step: number, settings: SpatialSettings, side: number): Record<keyof Moving, number> => ({
  learningRate: learningRateAt(step, settings),
  klWeight: (2 * klWeightAt(step, settings)) / side ** 2,
});

const tensorsOf = (numbers: Record<keyof Moving, number>): Moving => ({
  learningRate: tf.scalar(numbers.learningRate),
  klWeight: tf.scalar(numbers.klWeight),
});

type Gradients = {
  terms: Record<string, tf.Scalar>;
  gradients: tf.NamedTensorMap;
  /** Patches that the critic was asked about; absent where there is none. */
  made?: tf.Tensor4D | undefined;
};

/** Trains by one batch of patches [n, side, side, 1]: weights, the averaged decoder and moments change. */
export function spatialStep(
  generator: Generator,
  moments: Moments,
  batch: tf.Tensor4D,
  settings: SpatialSettings,
  step: number,
): Record<string, tf.Scalar> {
  return tf.tidy(() => {
    const moving = tensorsOf(movingAt(step, settings, batch.shape[1]));
    return movedStep(generator, moments, batch, settings, { step, ...moving });
  });
}

function movedStep(
  generator: Generator,
  moments: Moments,
  batch: tf.Tensor4D,
  settings: SpatialSettings,
  { step, ...moving }: Moving & { step: number },
): Record<string, tf.Scalar> {
  const { terms, gradients, made } = gradientsOf(generator, batch, settings, { step, ...moving });
  const { lastRate: _, clipNorm, ...adam } = settings.optimiser;
  const options = { ...adam, learningRate: 1, rate: moving.learningRate, step };
  adamStep(parametersOf(generator), limited(gradients, clipNorm), moments, options);
  if (made) criticStep(generator, moments, { real: batch, made }, settings, { terms, step });
  moveAverage(generator, decayAt(step, settings));
  return terms;
}

/** Share of the old value in the averaged decoder, which rises over the first steps. */
const decayAt = (step: number, { ema }: SpatialSettings): number => Math.min(ema, 1 - 1 / (step + 2));

/** Steps that are captured; undefined as long as the average's decay rises, and for a run with a critic. */
export function captureSpatialStep(
  capture: StepCapture,
  { generator, moments, settings, batch, step }: StepsToCapture<SpatialSettings>,
): CapturedSteps | undefined {
  if (decayAt(step, settings) < settings.ema || settings.adversarial.weight > 0) return undefined;
  const scalar = { shape: [], dtype: 'float32' as const };
  const captured = capture({
    inputs: { patches: { shape: batch, dtype: 'float32' }, learningRate: scalar, klWeight: scalar },
    state: () => [
      ...parametersOf(generator).map(([, variable]) => variable),
      ...generator.average.values(),
      ...momentTensors(moments),
    ],
    step: ({ patches, learningRate, klWeight }) => {
      const moving = { learningRate: learningRate as tf.Scalar, klWeight: klWeight as tf.Scalar };
      return movedStep(generator, moments, patches as tf.Tensor4D, settings, { step, ...moving });
    },
  });
  return {
    async replay(patches, at) {
      const { learningRate, klWeight } = movingAt(at, settings, batch[1]!);
      const moving = { learningRate: Float32Array.of(learningRate), klWeight: Float32Array.of(klWeight) };
      return captured.replay({ patches, ...moving });
    },
    dispose: () => captured.dispose(),
  };
}

/** Terms of the loss and gradients by parameter; the caller disposes of them. */
export function spatialGradients(
  generator: Generator,
  x: tf.Tensor4D,
  settings: SpatialSettings,
  step: number,
): Gradients {
  return tf.tidy(() => {
    const moving = tensorsOf(movingAt(step, settings, x.shape[1]));
    const { terms, gradients, made } = gradientsOf(generator, x, settings, { step, ...moving });
    return { terms, gradients, ...(made && { made }) };
  });
}

function gradientsOf(
  generator: Generator,
  x: tf.Tensor4D,
  settings: SpatialSettings,
  at: Moving & { step: number },
): Gradients {
  const terms: Record<string, tf.Scalar> = {};
  let made: tf.Tensor4D | undefined;
  const ask = (patches: tf.Tensor4D) => {
    made = tf.keep(tf.clone(patches));
    const scores = criticise(generator.critic, patches, { wanted: 'input' });
    return note('decoder.adversarial', tf.mean(tf.softplus(tf.neg(scores))));
  };
  const note = (name: (typeof LOSS_TERMS)[number], value: tf.Tensor): tf.Scalar => {
    // A copy, since the backward pass frees what it is done with.
    terms[name] = tf.keep(tf.clone(value)) as tf.Scalar;
    return value as tf.Scalar;
  };
  const parameters = parametersOf(generator);
  const gradients = tf.tidy(() => {
    const { grads } = variableGradients(
      () => lossOf(generator, x, settings, at, { note, ask }),
      parameters.map(([, variable]) => variable),
    );
    return Object.fromEntries(parameters.map(([name, variable]) => [name, grads[variable.name]!]));
  });
  return { terms, gradients, made };
}

function lossOf(
  { config, encoder, decoder }: Generator,
  x: tf.Tensor4D,
  settings: SpatialSettings,
  { step, klWeight }: Moving & { step: number },
  { note, ask }: LossParts,
): tf.Scalar {
  const { loss, seed, adversarial } = settings;
  const { mu, logvar } = encode(encoder, x, { wanted: 'parameters' });
  const draw = { seed: hash32(JSON.stringify([seed, 'generator', 'code'])) >>> 0, offset: step * COUNTERS_A_STEP };
  const { z, kl } = reparameterize(mu, logvar, draw);
  const { reflectivity, logDeviation } = decodeGround(decoder, z, {});
  const unit = logIntensityOf(config as SpatialConfig);
  const intensity = tf.exp(tf.mul(x, unit));
  const likelihood = note('encoder.reconstruction', gammaLikelihood(tf.mul(reflectivity, unit), intensity));
  const divergence = note('encoder.kl', tf.mean(kl));
  const deviation = note('decoder.deviation', deviationLoss(tf.sub(x, asData(reflectivity)), logDeviation));
  const terms = [likelihood, tf.mul(divergence, klWeight), tf.mul(deviation, loss.deviationWeight)];
  if (isCriticised(step, settings)) {
    terms.push(tf.mul(ask(withOtherSpeckle(x, reflectivity, logDeviation)), adversarial.weight));
  }
  return tf.addN(terms) as tf.Scalar;
}

interface LossParts {
  note(name: (typeof LOSS_TERMS)[number], value: tf.Tensor): tf.Scalar;
  /** Loss of the decoder by the critic's answer to patches. */
  ask(patches: tf.Tensor4D): tf.Scalar;
}

/** r + s·n with the standardised residual n of the next patch of the batch, as data. */
function withOtherSpeckle(x: tf.Tensor4D, reflectivity: tf.Tensor4D, logDeviation: tf.Tensor4D): tf.Tensor4D {
  const residual = asData(tf.mul(tf.sub(x, asData(reflectivity)), tf.exp(tf.neg(asData(logDeviation)))));
  const [first, rest] = tf.split(residual, [1, x.shape[0] - 1], 0);
  return tf.add(reflectivity, tf.mul(tf.exp(logDeviation), tf.concat([rest!, first!], 0))) as tf.Tensor4D;
}

/** Trains the critic by real patches and made ones, and disposes of the latter. */
function criticStep(
  { critic }: Generator,
  moments: Moments,
  { real, made }: { real: tf.Tensor4D; made: tf.Tensor4D },
  settings: SpatialSettings,
  { terms, step }: { terms: Record<string, tf.Scalar>; step: number },
): void {
  const { grads, value } = variableGradients(() => {
    const [yes, no] = [real, made].map((patches) => criticise(critic, patches, { wanted: 'parameters' }));
    return tf.add(tf.mean(tf.softplus(tf.neg(yes!))), tf.mean(tf.softplus(no!))) as tf.Scalar;
  }, [...critic.values()]);
  made.dispose();
  terms['critic.loss'] = tf.keep(tf.clone(value)) as tf.Scalar;
  const gradients = Object.fromEntries([...critic].map(([name, variable]) => [name, grads[variable.name]!]));
  const { beta2, epsilon } = settings.optimiser;
  const adam = { learningRate: settings.adversarial.learningRate, beta1: 0, beta2, epsilon, step };
  adamStep([...critic], gradients, moments, adam);
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
  if (!Number.isFinite(values['critic.loss'] ?? 0)) return 'critic';
  if (!Number.isFinite(values['encoder.kl'] ?? 0)) return 'encoder';
  return LOSS_TERMS.every((term) => Number.isFinite(values[term] ?? 0)) ? undefined : 'decoder';
}
