/**
 * A variational auto-encoder with codes in space, which keeps where things are: an edit of a few cells changes their
 * ground and no other. Its decoder gives the ground without speckle, whose likelihood is that of gamma-distributed
 * intensities; speckle is drawn from the statistics of a source patch (grain/).
 *
 * Kingma and Welling, Auto-Encoding Variational Bayes (ICLR 2014); Higgins et al., beta-VAE (ICLR 2017).
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../../base/philox.ts';
import { hash32 } from '../../base/random.ts';
import type { GeneratorArchitecture, GeneratorParameterSpec } from '../architecture.ts';
import { measureSpeckle } from './spatial/measure_speckle.ts';
import {
  CELL_PIXELS,
  DEFAULT_NETWORKS,
  decodeGround,
  encode,
  latentShape,
  parameterSpecs,
  type SpatialConfig,
  spatialConfig,
} from './spatial/networks.ts';
import { checkSettings, DEFAULTS, OBJECTIVES, planStages, type SpatialSettings, settings } from './spatial/settings.ts';
import { freshSpeckle, speckleIn } from './spatial/speckle_layers.ts';
import { captureSpatialStep, culprit, LOSS_TERMS, spatialStep } from './spatial/step.ts';

/** He's standard deviation for LeakyReLU 0.2 is √(2 / 1.04 / fan-in); these layers start smaller. */
const GAINS: readonly [RegExp, number][] = [
  [/\.block\d+b\./, 0.2],
  [/\.code\./, 0.5],
  [/\.head\./, 0.1],
];

function initial({ name, network, shape }: GeneratorParameterSpec, seed: number): tf.Tensor {
  if (network === 'speckle') return freshSpeckle(name.replace(/^speckle\./, ''), shape);
  if (name.endsWith('.bias')) return tf.zeros(shape);
  // The averaged copy starts where the decoder does.
  const drawn = name.replace(/^average\./, 'decoder.');
  const [height, width, from] = shape as [number, number, number];
  const gain = GAINS.find(([pattern]) => pattern.test(drawn))?.[1] ?? 1;
  const scale = gain * Math.sqrt(2 / 1.04 / (height * width * from));
  const draw = { seed: hash32(JSON.stringify([seed, 'initialisation', drawn])) >>> 0, offset: 0 };
  return tf.tensor(
    philoxNormal(tf.util.sizeFromShape(shape), draw).map((value) => value * scale),
    shape,
  );
}

/** Codes in space and drawn speckle, for a CPU: an hour on one core. */
export const spatial: GeneratorArchitecture<SpatialConfig, SpatialSettings> = {
  name: 'spatial',
  networks: spatialConfig,
  ...{ parameters: parameterSpecs, initial, latentShape, encode },
  sides: ({ side }) => [side],
  decode: (decoder, z, options) => decodeGround(decoder, z, options).reflectivity,
  ground: decodeGround,
  speckle: speckleIn,
  recipe: {
    objectives: OBJECTIVES,
    losses: LOSS_TERMS,
    settings,
    removed: [],
    sideFor: (side) => Math.ceil(side / CELL_PIXELS) * CELL_PIXELS,
    defaults(side) {
      const { cell, channels, detail } = DEFAULT_NETWORKS;
      return { ...DEFAULTS, ...{ cell, channels, detail, side } };
    },
    check: checkSettings,
    networksOf({ side, cell, channels, detail, adversarial }, { sar }) {
      const critic = adversarial.weight > 0 ? { critic: adversarial.channels } : {};
      return { ...{ side, cell, channels, detail }, decibels: sar.std!, ...critic };
    },
    stages: planStages,
    hasPosterior: () => true,
    step: (generator, moments, batch, settings, { step }) => spatialStep(generator, moments, batch, settings, step),
    capture: captureSpatialStep,
    finish: measureSpeckle,
    culprit,
  },
};
