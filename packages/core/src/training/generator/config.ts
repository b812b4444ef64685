/**
 * The configuration of a generator's training: every setting with its range, and defaults by preset. `docs/generator.md` is
 * the reference for people.
 *
 * What a user gives is partial; `resolveGeneratorTraining` fills it up from the preset. The resolved configuration is stored
 * in the run's folder and in its checkpoints.
 */
import { z } from 'zod';
import {
  GENERATOR_PRESETS,
  type GeneratorConfig,
  type GeneratorPreset,
  generatorConfigSchema,
} from '../../generator/generator.ts';
import { MINIBATCH_GROUP } from '../../generator/networks.ts';
import { normalisationOptionsSchema } from '../../prepare/fit_normalisation.ts';
import { mergeSettings, type PartialConfig, parseSettings, type RemovedOption } from '../../runs/settings.ts';
import { CODE_NOISE, GENERATOR_ADAM, OBJECTIVES } from './step.ts';

export const GENERATOR_PRESET_NAMES = Object.keys(GENERATOR_PRESETS) as [GeneratorPreset, ...GeneratorPreset[]];

const adamSchema = z.strictObject({
  learningRate: z.number().nonnegative(),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  epsilon: z.number().positive(),
});

const growingSchema = z.strictObject({
  /** Of the patches, in pixels: 4, 8, 16, … */
  side: z.int().refine((side) => side >= 4 && Number.isInteger(Math.log2(side)), 'must be 4, 8, 16, 32 …'),
  /** Patches over which the new level is faded in; of no meaning for the first stage, which has nothing to fade from. */
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

export const generatorTrainingSchema = z
  .strictObject({
    /** Folder of the data set. */
    data: z.string().min(1),
    preset: z.enum(GENERATOR_PRESET_NAMES),
    /** Of the networks at full growth, in pixels; patches of a smaller side are padded to it. */
    side: z.int(),
    /** Numbers in a latent code. */
    latent: z.int().positive(),
    channels: z.strictObject({ base: z.int().positive(), max: z.int().positive() }),
    objective: z.enum(OBJECTIVES),
    /** Decides weights, batches, augmentation, noise and the samples that are drawn. */
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
    growing: z.array(growingSchema).min(1),
    optimiser: z.strictObject({ encoder: adamSchema, decoder: adamSchema, critic: adamSchema }),
    loss: z.strictObject({
      /** What the encoder's loss decodes: a draw from its posterior, or its mean. */
      code: z.enum(['sample', 'mean']),
      /** Of the gradient penalty. */
      penaltyWeight: z.number().nonnegative(),
      driftWeight: z.number().nonnegative(),
      klWeight: z.number().nonnegative(),
      /** Of the reconstruction term of `vae-gan`. */
      reconstructionWeight: z.number().nonnegative().default(1),
      /** Side to which that term averages patches down, if they are larger. */
      reconstructionSide: z.int().min(4).optional(),
      /** Of the distance of a batch's codes from mean and variance of the prior, for the encoder of `vae-gan`. */
      momentWeight: z.number().nonnegative().default(0),
    }),
    /** Share of the old value in a step of the averaged decoder, which generates. */
    ema: z.number().min(0).lt(1),
    augmentation: z.strictObject({
      /** Mirrored or not, with equal chance. */
      flips: z.boolean(),
      /** By 0, 1, 2 or 3 right angles. */
      turns: z.boolean(),
    }),
    normalisation: normalisationOptionsSchema,
    /** How often `last` is saved between the ends of stages. */
    save: z.strictObject({ everyMinutes: z.number().positive() }),
    /** A row of metrics.csv every so many steps. */
    metrics: z.strictObject({ everySteps: z.int().positive() }),
    /** Pictures of `grid`² samples and as many reconstructions, every so many steps and at the end of each stage. */
    samples: z.strictObject({ grid: z.int().min(1).max(32), everySteps: z.int().positive() }),
  })
  .superRefine(({ side, growing, latent, channels }, context) => {
    const networks = generatorConfigSchema.safeParse({ side, latent, channels });
    for (const { path, message } of networks.error?.issues ?? []) context.addIssue({ code: 'custom', path, message });
    growing.forEach((stage, i) => {
      const before = growing[i - 1];
      if (before && stage.side !== 2 * before.side) {
        const message = `${stage.side} follows ${before.side}: each stage doubles the side`;
        context.addIssue({ code: 'custom', path: ['growing', i, 'side'], message });
      }
      if (stage.fadeImages + stage.stableImages === 0) {
        context.addIssue({ code: 'custom', path: ['growing', i], message: 'a stage without images' });
      }
    });
    if (growing.at(-1)!.side !== side) {
      const message = `growth ends at ${growing.at(-1)!.side} and not at the side ${side}`;
      context.addIssue({ code: 'custom', path: ['growing'], message });
    }
  });
export type GeneratorTraining = z.infer<typeof generatorTrainingSchema>;

const COMMON = {
  seed: 1,
  objective: 'vae-adversarial',
  optimiser: GENERATOR_ADAM,
  loss: {
    code: 'sample',
    klWeight: 1,
    reconstructionWeight: 1,
    momentWeight: 0,
    penaltyWeight: 10,
    driftWeight: 1e-3,
  },
  ema: 0.999,
  augmentation: { flips: true, turns: false },
  normalisation: {},
  save: { everyMinutes: 5 },
  metrics: { everySteps: 20 },
  samples: { grid: 6, everySteps: 200 },
} satisfies PartialConfig;

/** What a preset changes of the common defaults. `paper` is the published recipe. */
const PRESET_DEFAULTS: Record<GeneratorPreset, PartialConfig> = {
  paper: { samples: { everySteps: 2000 }, metrics: { everySteps: 100 }, save: { everyMinutes: 30 } },
  // A run of minutes has too few steps for an average over a thousand of them.
  small: { ema: 0.99 },
};

export const DEFAULT_GENERATOR_PRESET: GeneratorPreset = 'small';

/** Patches by side: the published schedule, and one of about a quarter of an hour on two cores. */
function growingOf(preset: GeneratorPreset, side: number): GrowingStage[] {
  const [first, stage] =
    preset === 'paper' ? ([4, paperStage] as const) : ([Math.min(8, side / 2), smallStage] as const);
  const stages: GrowingStage[] = [];
  for (let at = first; at <= side; at *= 2) stages.push({ side: at, ...stage(at) });
  return stages;
}

function paperStage(side: number): Omit<GrowingStage, 'side'> {
  const batch = side <= 16 ? 128 : side === 32 ? 64 : side === 64 ? 32 : 16;
  return { fadeImages: 600_000, stableImages: 600_000, batch };
}

function smallStage(side: number): Omit<GrowingStage, 'side'> {
  if (side <= 8) return { fadeImages: 4000, stableImages: 24_000, batch: 32 };
  if (side === 16) return { fadeImages: 4000, stableImages: 12_000, batch: 32 };
  return { fadeImages: side === 32 ? 3000 : 2000, stableImages: side === 32 ? 6000 : 5000, batch: 16 };
}

/** What the data set decides where the user does not. */
export interface GeneratorDataFacts {
  data: string;
  /** Of its patches. */
  side: number;
}

/**
 * @param given any part of a configuration, the strongest last.
 * @param source of the settings, for messages: "generator.yaml".
 * @throws UsageError that names the key that is unknown, or whose value is out of range.
 */
export function resolveGeneratorTraining(
  given: readonly PartialConfig[],
  facts: GeneratorDataFacts,
  source: string,
): GeneratorTraining {
  const asked = mergeSettings(given);
  const preset = (asked.preset ?? DEFAULT_GENERATOR_PRESET) as GeneratorPreset;
  const networks = { ...GENERATOR_PRESETS[preset], side: paddedSide(facts.side) };
  const settings = mergeSettings([
    COMMON,
    PRESET_DEFAULTS[preset] ?? {},
    networks,
    { preset, data: facts.data },
    asked,
  ]);
  settings.growing ??= growingOf(preset, Number(settings.side));
  return parseGeneratorTraining(settings, source);
}

/** The smallest side of networks that a patch fits into: a power of 2. */
export const paddedSide = (side: number): number => 2 ** Math.ceil(Math.log2(side));

/** @throws UsageError as `resolveGeneratorTraining`. */
export const parseGeneratorTraining = (settings: unknown, source: string): GeneratorTraining =>
  parseSettings({ schema: generatorTrainingSchema, removed: REMOVED, page: 'docs/generator.md' }, settings, source);

const REMOVED: readonly RemovedOption[] = [
  {
    path: 'loss.codeNoise',
    neutral: CODE_NOISE,
    remedy: `Leave it out: the noise of \`autoencoder\` is ${CODE_NOISE}.`,
  },
];

export const networksOf = ({ side, latent, channels }: GeneratorTraining): GeneratorConfig => ({
  side,
  latent,
  channels,
});

/** A stage of growth as the run counts it. */
export interface StagePlan {
  /** Position in `growing`. */
  index: number;
  /** As the networks count: side 4·2^stage. */
  stage: number;
  side: number;
  batch: number;
  /** Steps until the new level is fully there, and steps in all. */
  fadeSteps: number;
  steps: number;
  /** Steps and images of the run before this stage. */
  firstStep: number;
  firstImage: number;
}

/** The stages of a run, in steps. */
export function planStages({ growing }: Pick<GeneratorTraining, 'growing'>): StagePlan[] {
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

/** The stage of a step; the last one after its end. */
export const stageAt = (stages: readonly StagePlan[], step: number): StagePlan =>
  stages.findLast(({ firstStep }) => firstStep <= step)!;

/** How far the newest level is faded in at a step of its stage (from 0). Never 0, or it would learn nothing. */
export const alphaAt = ({ fadeSteps }: StagePlan, step: number): number => Math.min(1, (step + 1) / (fadeSteps + 1));

export const totalGeneratorSteps = (stages: readonly StagePlan[]): number => {
  const last = stages.at(-1)!;
  return last.firstStep + last.steps;
};
