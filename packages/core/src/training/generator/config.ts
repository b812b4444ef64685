/**
 * Configuration of a generator's training: settings of all generators, and those of the architecture.
 * `docs/generator.md` is its reference.
 *
 * What a user gives is partial; `resolveGeneratorTraining` fills it up from the architecture's recipe. The resolved
 * configuration is stored in the run's folder and in its checkpoints.
 */
import { z } from 'zod';
import type { GeneratorArchitecture, StagePlan } from '../../generator/architecture.ts';
import { DEFAULT_GENERATOR, GENERATORS, generatorName } from '../../generator/architectures.ts';
import { normalisationOptionsSchema } from '../../prepare/fit_normalisation.ts';
import { mergeSettings, type PartialConfig, parseSettings } from '../../runs/settings.ts';

const common = {
  /** Folder of the data set. */
  data: z.string().min(1),
  /** Name of the architecture. */
  preset: generatorName,
  objective: z.string(),
  /** Side of the networks at full growth, in pixels; patches of a smaller side are padded to it. */
  side: z.int(),
  /** Seed of weights, batches, augmentation, noise and samples. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  augmentation: z.strictObject({
    /** Mirrored or not, with equal chance. */
    flips: z.boolean(),
    /** Random rotation by 0, 1, 2 or 3 right angles. */
    turns: z.boolean(),
  }),
  normalisation: normalisationOptionsSchema,
  /** Interval at which `last` is saved within a stage. */
  save: z.strictObject({ everyMinutes: z.number().positive() }),
  /** Steps between two rows of metrics.csv. */
  metrics: z.strictObject({ everySteps: z.int().positive() }),
  /** Pictures of `grid`² samples and as many reconstructions, every `everySteps` steps and at the end of each stage. */
  samples: z.strictObject({ grid: z.int().min(1).max(32), everySteps: z.int().positive() }),
};
const commonSchema = z.object(common);

/** Settings of all generators; beside them stand those of the architecture, which its recipe reads. */
export type GeneratorTraining = z.infer<typeof commonSchema>;

const schemaOf = ({ recipe }: GeneratorArchitecture): z.ZodType<GeneratorTraining> =>
  z
    .strictObject({ ...common, objective: z.enum(recipe.objectives), ...recipe.settings })
    .superRefine((settings, context) =>
      recipe.check(settings as GeneratorTraining, (path, message) =>
        context.addIssue({ code: 'custom', path, message }),
      ),
    ) as z.ZodType<GeneratorTraining>;

const COMMON = {
  seed: 1,
  augmentation: { flips: true, turns: false },
  normalisation: {},
  save: { everyMinutes: 5 },
  metrics: { everySteps: 20 },
  samples: { grid: 6, everySteps: 200 },
} satisfies PartialConfig;

/** Facts of the data set that give defaults. */
export interface GeneratorDataFacts {
  data: string;
  /** Side of its patches. */
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
  const preset = asked.preset ?? DEFAULT_GENERATOR;
  const { recipe } = architectureOf({ preset });
  const side = Number(asked.side ?? sideOfNetworks(recipe, facts.side));
  const own = { objective: recipe.objectives[0], ...recipe.defaults(side) };
  return parseGeneratorTraining(mergeSettings([COMMON, own, { side, preset, data: facts.data }, asked]), source);
}

/** Smallest side of networks that a patch fits into. */
export const sideOfNetworks = ({ sideFor = paddedSide }: GeneratorArchitecture['recipe'], side: number): number =>
  sideFor(side);

const paddedSide = (side: number): number => 2 ** Math.ceil(Math.log2(side));

/** @throws UsageError as `resolveGeneratorTraining`. */
export function parseGeneratorTraining(settings: unknown, source: string): GeneratorTraining {
  const architecture = architectureOf(Object(settings));
  const { removed } = architecture.recipe;
  return parseSettings({ schema: schemaOf(architecture), removed, page: 'docs/generator.md' }, settings, source);
}

/** Architecture that settings name; the default one where there is none of that name, which the schema then refuses. */
function architectureOf({ preset }: { preset?: unknown }): GeneratorArchitecture {
  return GENERATORS.get(GENERATORS.has(String(preset)) ? String(preset) : DEFAULT_GENERATOR);
}

/** Stage of a step; the last one after its end. */
export const stageAt = (stages: readonly StagePlan[], step: number): StagePlan =>
  stages.findLast(({ firstStep }) => firstStep <= step)!;

/** Weight of the newest level at a step of its stage (from 0), in (0, 1]; at 0 the level would not learn. */
export const alphaAt = ({ fadeSteps }: StagePlan, step: number): number => Math.min(1, (step + 1) / (fadeSteps + 1));

export const totalGeneratorSteps = (stages: readonly StagePlan[]): number => {
  const last = stages.at(-1)!;
  return last.firstStep + last.steps;
};
