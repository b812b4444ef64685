/** Settings specific to the training of `spatial`, and the schedules that follow from them. */
import { z } from 'zod';
import type { GeneratorSettings, StagePlan } from '../../architecture.ts';
import { DEFAULT_NETWORKS, spatialConfig } from './networks.ts';

const positive = z.number().positive();
const weight = z.number().nonnegative();

export const OBJECTIVES = ['gamma-vae'] as const;

const NO_CRITIC = { weight: 0, from: 0.8, learningRate: 4e-4, channels: 24 };

export const settings = {
  objective: z.enum(OBJECTIVES),
  /** Numbers in a cell of the code, which stands for 8 × 8 pixels. */
  cell: z.int().min(1),
  /** Channels at a half, a quarter and an eighth of the side. */
  channels: z.tuple([z.int().min(1), z.int().min(1), z.int().min(1)]),
  /** Channels of the decoder at the full side. */
  detail: z.int().min(1),
  /** Patches to train on, counting repetitions. */
  images: z.int().positive(),
  /** Patches a step. */
  batch: z.int().positive(),
  optimiser: z.strictObject({
    learningRate: positive,
    /** Learning rate at the end; it falls over the last two fifths. */
    lastRate: positive,
    beta1: z.number().min(0).lt(1),
    beta2: z.number().min(0).lt(1),
    epsilon: positive,
    /** Norm that gradients are limited to. */
    clipNorm: positive,
  }),
  loss: z.strictObject({
    /** Weight of KL at first and at last. */
    klWeight: z.strictObject({ first: weight, last: weight }),
    /** Weight of the likelihood of the deviation of speckle. */
    deviationWeight: weight,
  }),
  adversarial: z
    .strictObject({
      /** Weight of the critic's loss for the decoder; 0: no critic. */
      weight,
      /** Share of the run after which the critic is there. */
      from: z.number().min(0).max(1),
      learningRate: positive,
      /** Channels of the critic at half the side. */
      channels: z.int().min(1),
    })
    .default(NO_CRITIC),
  /** Share of the old value in a step of the averaged decoder, which generates. */
  ema: z.number().min(0).lt(1),
};
const own = z.object(settings);

export type SpatialSettings = GeneratorSettings &
  z.infer<typeof own> & { normalisation: { sar: { unit?: string | undefined; standardise: string } } };

export const DEFAULTS = {
  objective: OBJECTIVES[0],
  images: 64_000,
  batch: 8,
  optimiser: { learningRate: 1e-3, lastRate: 1e-4, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 },
  loss: { klWeight: { first: 1, last: 0.2 }, deviationWeight: 0.1 },
  adversarial: NO_CRITIC,
  ema: 0.995,
  // Speckle is additive in dB, and a common scale keeps brightness and contrast.
  normalisation: { sar: { unit: 'dB', clipPercentiles: [0.01, 100], standardise: 'dataset' } },
  samples: { everySteps: 1000 },
};

export function checkSettings(
  { side, cell, channels, detail, batch, adversarial, normalisation: { sar } }: SpatialSettings,
  refuse: (path: (string | number)[], message: string) => void,
): void {
  const networks = spatialConfig.safeParse({ ...DEFAULT_NETWORKS, side, cell, channels, detail });
  for (const { path, message } of networks.error?.issues ?? []) refuse(path.map(String), message);
  if (adversarial.weight > 0 && batch < 2) refuse(['batch'], 'a critic needs 2 patches or more in a step');
  if (sar.unit !== 'dB') refuse(['normalisation', 'sar', 'unit'], `${sar.unit}; the preset spatial needs dB`);
  if (sar.standardise !== 'dataset')
    refuse(['normalisation', 'sar', 'standardise'], `${sar.standardise}; the preset spatial needs dataset`);
}

export const stepsOf = ({ images, batch }: Pick<SpatialSettings, 'images' | 'batch'>): number =>
  Math.ceil(images / batch);

/** One stage at the full side: nothing grows. */
export const planStages = ({ side, images, batch }: SpatialSettings): StagePlan[] => [
  {
    ...{ index: 0, stage: 0, side, batch, fadeSteps: 0 },
    steps: stepsOf({ images, batch }),
    firstStep: 0,
    firstImage: 0,
  },
];

/** Steps over which the learning rate rises at first. */
const WARM_UP = 100;

/** Learning rate of a step: a rise over 100 steps, constant, then a line down over the last two fifths. */
export function learningRateAt(step: number, { optimiser, ...size }: SpatialSettings): number {
  const { learningRate, lastRate } = optimiser;
  const falling = Math.max(0, (step / stepsOf(size) - 0.6) / 0.4);
  return Math.min(1, (step + 1) / WARM_UP) * (learningRate + (lastRate - learningRate) * falling);
}

/** Weight of KL at a step: first to last geometrically, between a fifth and three fifths of the run. */
export function klWeightAt(step: number, { loss, ...size }: SpatialSettings): number {
  const { first, last } = loss.klWeight;
  const share = Math.min(1, Math.max(0, (step / stepsOf(size) - 0.2) / 0.4));
  if (first === 0 || last === 0) return first + (last - first) * share;
  return first * (last / first) ** share;
}

/** True if the critic takes part in a step. */
export const isCriticised = (step: number, { adversarial, ...size }: SpatialSettings): boolean =>
  adversarial.weight > 0 && step >= adversarial.from * stepsOf(size);
