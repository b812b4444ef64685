/** Settings specific to the training of progressive networks, and the stages that follow from them. */
import { z } from 'zod';
import type { RemovedOption } from '../../../runs/settings.ts';
import type { GeneratorSettings, StagePlan } from '../../architecture.ts';
import { MINIBATCH_GROUP } from './networks.ts';
import { progressiveConfig } from './parameters.ts';
import { CODE_NOISE, OBJECTIVES } from './step.ts';

const adamSchema = z.strictObject({
  learningRate: z.number().nonnegative(),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  epsilon: z.number().positive(),
});

const growingSchema = z.strictObject({
  /** Patch side length in pixels: 4, 8, 16, … */
  side: z.int().refine((side) => side >= 4 && Number.isInteger(Math.log2(side)), 'must be 4, 8, 16, 32 …'),
  /** Patches over which the new level is faded in; ignored in the first stage, which has no earlier level. */
  fadeImages: z.int().nonnegative(),
  /** Patches after that. */
  stableImages: z.int().nonnegative(),
  /** Patches a step. */
  batch: z
    .int()
    .positive()
    .refine((batch) => batch % MINIBATCH_GROUP === 0, `must be a multiple of ${MINIBATCH_GROUP}, the critic's groups`),
});
export type GrowingStage = z.infer<typeof growingSchema>;

export const settings = {
  objective: z.enum(OBJECTIVES),
  /** Numbers in a latent code. */
  latent: z.int().positive(),
  channels: z.strictObject({ base: z.int().positive(), max: z.int().positive() }),
  growing: z.array(growingSchema).min(1),
  optimiser: z.strictObject({ encoder: adamSchema, decoder: adamSchema, critic: adamSchema }),
  loss: z.strictObject({
    /** Code that the encoder's loss decodes: a draw from the posterior, or its mean. */
    code: z.enum(['sample', 'mean']),
    /** Weight of the gradient penalty. */
    penaltyWeight: z.number().nonnegative(),
    driftWeight: z.number().nonnegative(),
    klWeight: z.number().nonnegative(),
    /** Weight of the reconstruction term of `vae-gan`. */
    reconstructionWeight: z.number().nonnegative().default(1),
    /** Side to which that term averages patches down, if they are larger. */
    reconstructionSide: z.int().min(4).optional(),
    /** Weight of the distance of a batch's codes from mean and variance of the prior, for the encoder of `vae-gan`. */
    momentWeight: z.number().nonnegative().default(0),
  }),
  /** Share of the old value in a step of the averaged decoder, which generates. */
  ema: z.number().min(0).lt(1),
};
const own = z.object(settings);
export type ProgressiveSettings = GeneratorSettings & z.infer<typeof own>;

export const REMOVED: readonly RemovedOption[] = [
  {
    path: 'loss.codeNoise',
    neutral: CODE_NOISE,
    remedy: `Leave it out: the noise of \`autoencoder\` is ${CODE_NOISE}.`,
  },
];

export function checkSettings(
  { side, growing, latent, channels }: ProgressiveSettings,
  refuse: (path: (string | number)[], message: string) => void,
): void {
  const networks = progressiveConfig().safeParse({ side, latent, channels });
  for (const { path, message } of networks.error?.issues ?? []) refuse(path.map(String), message);
  growing.forEach((stage, i) => {
    const before = growing[i - 1];
    if (before && stage.side !== 2 * before.side) {
      refuse(['growing', i, 'side'], `${stage.side} follows ${before.side}: each stage doubles the side`);
    }
    if (stage.fadeImages + stage.stableImages === 0) refuse(['growing', i], 'a stage without images');
  });
  const last = growing.at(-1)?.side;
  if (last !== side) refuse(['growing'], `growth ends at ${last} and not at the side ${side}`);
}

export interface GrowthSettings {
  /** Side that growth to a side starts from. */
  first(side: number): number;
  /** Length and batch of the stage of a side. */
  stage(side: number): Omit<GrowingStage, 'side'>;
}

/** Stages of growth up to a side, each twice the side before. */
export function growthFrom({ first, stage }: GrowthSettings, side: number): GrowingStage[] {
  const stages: GrowingStage[] = [];
  for (let at = first(side); at <= side; at *= 2) stages.push({ side: at, ...stage(at) });
  return stages;
}

/** The stages of a run, in steps. */
export function planStages({ growing }: Pick<ProgressiveSettings, 'growing'>): StagePlan[] {
  let [firstStep, firstImage] = [0, 0];
  return growing.map(({ side, fadeImages, stableImages, batch }, index) => {
    const fadeSteps = index === 0 ? 0 : Math.ceil(fadeImages / batch);
    const steps = Math.ceil((fadeImages + stableImages) / batch);
    const plan = { index, stage: Math.log2(side) - 2, side, batch, fadeSteps, steps, firstStep, firstImage };
    firstStep += steps;
    firstImage += steps * batch;
    return plan;
  });
}
