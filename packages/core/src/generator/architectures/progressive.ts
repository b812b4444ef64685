/**
 * A variational auto-encoder trained adversarially on SAR patches, after Hughes, Schmitt and Zhu (Remote Sensing 2018,
 * 10(10):1552), on the progressive networks of Karras et al. (ICLR 2018): encoder, decoder and critic are grown
 * together, and an averaged copy of the decoder makes the patches.
 *
 * The networks are in progressive/networks.ts, a step of their training in progressive/step.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../../base/philox.ts';
import { hash32 } from '../../base/random.ts';
import type { PartialConfig } from '../../runs/settings.ts';
import type { GeneratorArchitecture } from '../architecture.ts';
import { decode, encode } from './progressive/networks.ts';
import {
  type ProgressiveConfig,
  parameterSpecs,
  progressiveConfig,
  sideAt,
  stageCount,
} from './progressive/parameters.ts';
import {
  checkSettings,
  type GrowthSettings,
  growthFrom,
  type ProgressiveSettings,
  planStages,
  REMOVED,
  settings,
} from './progressive/settings.ts';
import { culprit, flatLosses, GENERATOR_ADAM, generatorStep, LOSS_TERMS, OBJECTIVES } from './progressive/step.ts';

interface Preset {
  name: string;
  networks: ProgressiveConfig;
  /** Changes of the defaults of training. */
  recipe: PartialConfig;
  /** Side that growth starts from, for patches of a side, and the length of the stage of a side. */
  growth: GrowthSettings;
}

const DEFAULTS = {
  objective: 'vae-adversarial',
  optimiser: GENERATOR_ADAM,
  loss: { code: 'sample', klWeight: 1, reconstructionWeight: 1, momentWeight: 0, penaltyWeight: 10, driftWeight: 1e-3 },
  ema: 0.999,
};

function progressive({
  name,
  networks,
  recipe,
  growth,
}: Preset): GeneratorArchitecture<ProgressiveConfig, ProgressiveSettings> {
  return {
    name,
    networks: progressiveConfig(networks),
    parameters: parameterSpecs,
    initial({ name, shape }, seed) {
      if (name.endsWith('.bias')) return tf.zeros(shape);
      // The averaged copy starts where the decoder does. Weights are N(0, 1), and scaled when they are used.
      const drawn = name.replace(/^average\./, 'decoder.');
      const draw = { seed: hash32(JSON.stringify([seed, 'initialisation', drawn])) >>> 0, offset: 0 };
      return tf.tensor(philoxNormal(tf.util.sizeFromShape(shape), draw), shape);
    },
    latentShape: ({ latent }) => [latent],
    sides: (config) => Array.from({ length: stageCount(config) }, (_, stage) => sideAt(stage)),
    ...{ encode, decode },
    recipe: {
      objectives: OBJECTIVES,
      losses: LOSS_TERMS,
      settings,
      removed: REMOVED,
      defaults: (side) => ({ ...DEFAULTS, ...networks, ...recipe, side, growing: growthFrom(growth, side) }),
      check: checkSettings,
      networksOf: ({ side, latent, channels }) => ({ side, latent, channels }),
      stages: planStages,
      hasPosterior: ({ objective }) => objective !== 'autoencoder',
      step: (generator, moments, batch, { objective, seed, optimiser, ema, loss }, { stage, alpha, step }) =>
        flatLosses(
          generatorStep(generator, moments, batch, {
            ...{ objective, seed, adam: optimiser, averageDecay: ema },
            ...loss,
            ...{ stage, alpha, step },
          }),
        ),
      culprit,
    },
  };
}

/** Architecture of the paper, as published. */
export const paper = progressive({
  name: 'paper',
  networks: { side: 128, latent: 512, channels: { base: 8192, max: 512 } },
  recipe: { samples: { everySteps: 2000 }, metrics: { everySteps: 100 }, save: { everyMinutes: 30 } },
  growth: {
    first: () => 4,
    stage: (side) => ({
      ...{ fadeImages: 600_000, stableImages: 600_000 },
      batch: side <= 16 ? 128 : side === 32 ? 64 : side === 64 ? 32 : 16,
    }),
  },
});

/** Small architecture that two CPU cores train in about a quarter of an hour. */
export const small = progressive({
  name: 'small',
  networks: { side: 64, latent: 64, channels: { base: 1024, max: 64 } },
  // A run of minutes has too few steps for an average over a thousand.
  recipe: { ema: 0.99 },
  growth: {
    first: (side) => Math.min(8, side / 2),
    stage(side) {
      if (side <= 8) return { fadeImages: 4000, stableImages: 24_000, batch: 32 };
      if (side === 16) return { fadeImages: 4000, stableImages: 12_000, batch: 32 };
      return { fadeImages: side === 32 ? 3000 : 2000, stableImages: side === 32 ? 6000 : 5000, batch: 16 };
    },
  },
});
