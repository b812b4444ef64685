/**
 * Configuration of an experiment, fixed before it runs: arms, seeds, data budgets, matchers, and the number of updates,
 * which is the same for all. docs/experiment.md explains each setting.
 */

import { UsageError } from '@doppel/core/errors';
import { LATENT_RULES, type LatentRule } from '@doppel/core/generator';
import { architectureName, DEFAULT_ARCHITECTURE } from '@doppel/core/matcher';
import { adaptive, refreshSchema, removedFromAdaptive, type Strategy, settingsShapeOf } from '@doppel/core/mining';
import { armTrainingSchema, mergeSettings, type RemovedOption, withoutRemoved } from '@doppel/core/training';
import { z } from 'zod';
import { strategyNamed, strategyNames } from './ceiling.ts';
import { contrastSchema } from './contrast_settings.ts';

const name = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be small letters, digits and single hyphens');
const share = z.number().min(0).max(1);
/** Share of all epochs, or one an epoch, of which the last applies to all further epochs. */
const shares = z.union([share, z.array(share).min(1)]);

/** Arm that mines nothing: the baseline. */
const BASELINE = 'random';
/** Strategy whose arms mine during training, with the current weights. */
const IN_TRAINING = adaptive.name;

/** Settings of an arm: its strategy, those of the strategy, and what the experiment adds. */
export interface Arm {
  strategy: string;
  share?: z.infer<typeof shares> | undefined;
  /** Share of made negatives, if another than that of real ones. */
  madeShare?: z.infer<typeof shares> | undefined;
  /** A name among `generators`. */
  generator?: string | undefined;
  /** Changes of the second stage: losses, statistics, batches. */
  tune?: z.infer<typeof armTrainingSchema> | undefined;
  /** Runs the first of the experiment's seeds only. */
  seeds?: number | undefined;
  [setting: string]: unknown;
}

export const isBaseline = ({ strategy }: Arm): boolean => strategy === BASELINE;
export const isFoundInTraining = ({ strategy }: Arm): boolean => strategy === IN_TRAINING;

/**
 * Latent move of an arm with one strength, as the shortcut is measured with; for arms that make no patches the default of
 * `generated`. Undefined where the arm moves codes towards donors or edits real pixels: the shortcut makes no such patches.
 */
export function moveOf({ rule, strength, edit }: Arm): { rule: LatentRule; strength: number } | undefined {
  return moveSchema.safeParse({ rule, strength, edit }).data;
}
const moveSchema = z.object({
  rule: z.enum(LATENT_RULES).default('sigma'),
  strength: z.number().positive().default(1),
  edit: z.literal('whole').default('whole'),
});

/**
 * Identity of an arm in cells. Version 1 wrote options that were removed, and lacked newer ones: with these at their
 * defaults, its cells still belong to the arm.
 */
export function identityOf(arm: Arm): object {
  return Object.fromEntries(
    Object.entries(arm).flatMap(([name, value]): [string, unknown][] => {
      if (name === 'seeds') return [];
      if (name === 'sampling' && value === 'top') return [];
      if (name === 'edit' && value === 'whole') return [];
      if (name === 'match' && isFoundInTraining(arm))
        return [
          [name, value],
          ['ascent', { steps: 0, size: 0.25 }],
        ];
      if (name === 'reconstructions')
        return [
          [name, value],
          ['separateStatistics', false],
        ];
      return [[name, value]];
    }),
  );
}

/** Default pool, the same for every arm: arms differ in their strategy only. */
const POOL = {
  maxCandidates: z.int().min(2).default(500),
  maxUses: z.int().positive().default(5),
};

function armShape(strategy: Strategy): z.ZodRawShape {
  const { name: own, needsGenerator } = strategy;
  const kind = {
    strategy: z.literal(own),
    tune: armTrainingSchema.optional(),
    seeds: z.int().positive().optional(),
  };
  if (own === BASELINE) return kind;
  const generator = needsGenerator && { generator: name.optional() };
  if (own === IN_TRAINING) {
    const { generator: _, everyEpochs, anchors, ...settings } = refreshSchema.shape;
    const { reconstructions } = adaptive.settings.shape;
    return {
      ...{ ...settings, ...kind, share: shares.optional(), madeShare: shares.optional(), ...generator },
      ...{ reconstructions, everyEpochs, anchors },
    };
  }
  const settings = settingsShapeOf(strategy);
  const open = Object.entries(POOL).filter(([name]) => settings[name] instanceof z.ZodOptional);
  return { ...kind, share: shares.optional(), ...generator, ...settings, ...Object.fromEntries(open) };
}

/** Settings of the arm's strategy, without those of the arm. */
export function settingsOf(arm: Arm): object {
  const strategy = strategyNamed(arm.strategy);
  const names = strategy ? Object.keys(settingsShapeOf(strategy)) : [];
  return Object.fromEntries(names.flatMap((name) => (arm[name] == null ? [] : [[name, arm[name]]])));
}

/** An arm of any registered strategy. */
export const armSchema = z.looseObject({ strategy: z.string() }).transform((given, ctx): Arm => {
  const refuse = (path: PropertyKey[], message: string) => {
    ctx.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  };
  const strategy = strategyNamed(given.strategy);
  if (!strategy) return refuse(['strategy'], `"${given.strategy}" is none of ${strategyNames().join(', ')}`);
  const parsed = z.strictObject(armShape(strategy)).safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(issue?.path ?? [], issue?.message ?? 'unusable');
  }
  const arm: Arm = { ...parsed.data, strategy: given.strategy };
  const [contradiction] = isBaseline(arm) ? [] : (strategy.settings.safeParse(settingsOf(arm)).error?.issues ?? []);
  if (contradiction) return refuse(contradiction.path, contradiction.message);
  if (strategy.needsGenerator?.(arm) && arm.generator === undefined)
    return refuse(['generator'], 'is needed to make patches');
  return arm;
});

/** A stage of training: settings of `doppel train`, of which those that decide the number of updates must be given. */
const length = { epochs: z.int().positive(), stepsPerEpoch: z.int().positive() };
const stageSchema = z.looseObject(length);
const looseStage = z.looseObject(length).partial().optional();

export const experimentConfigSchema = z.strictObject({
  /** Folder of the data set. */
  data: z.string().min(1),
  /** Seeds, fixed beforehand; each gives weights, samples and the draw of places. */
  seeds: z.array(z.int().nonnegative()).min(1),
  /** Shares of the training places. */
  budgets: z.array(z.number().gt(0).max(1)).min(1),
  matchers: z.array(architectureName).min(1).default([DEFAULT_ARCHITECTURE]),
  /** Checkpoints by name; `{budget}` in a path stands for the budget in per cent. */
  generators: z.record(name, z.string().min(1)).default({}),
  arms: z.record(name, armSchema),
  /** The arm that the others are compared with. */
  baseline: name.default('random'),
  /** The arm that is compared with the best of all others. */
  champion: name.default('adaptive'),
  /** Places of the optical patches, in training and in tests: as the data set has them, or by its `alignment.json`. */
  alignment: z.enum(['raw', 'repaired']).default('raw'),
  /** Comparisons that are fixed before any test figure is seen; all others are descriptive. */
  contrasts: z.record(name, contrastSchema).default({}),
  /** First stage: shuffled negatives only, once for each matcher, budget and seed. All arms fine-tune its weights. */
  base: stageSchema,
  /** Second stage, in which the arms differ. */
  tune: stageSchema,
  /** Changes of the two stages by budget (share of the places): more places justify a longer training. */
  byBudget: z.record(z.string(), z.strictObject({ base: looseStage, tune: looseStage })).default({}),
  /** Default share of hard negatives in a batch's negatives, for arms that set none. */
  share: shares.default(0.25),
  evaluation: z
    .strictObject({
      /** `validation`: for choosing the settings of arms. Figures of it are no result. */
      split: z.enum(['test', 'validation']).default('test'),
      /** True pairs of the split, drawn where it has more. */
      positives: z.int().min(2).default(2000),
      seed: z.int().nonnegative().default(1),
      /** Pixels by which the true SAR patch is shifted. */
      shifts: z.array(z.int().positive()).default([4, 8, 16]),
      /** SAR patches of other ground among which the one that looks most alike is sought. */
      lookAlikes: z.int().min(2).default(5000),
      /** True pairs of the validation split that the shortcut is measured on; 0: it is not. */
      shortcutPairs: z.int().nonnegative().default(256),
      resamples: z.int().positive().default(1000),
      permutations: z.int().positive().default(2000),
    })
    .prefault({}),
});
export type ExperimentConfig = z.infer<typeof experimentConfigSchema>;

/** @throws UsageError that names the setting which is unknown, out of range, or contradicts another. */
export function parseExperiment(settings: unknown, source: string): ExperimentConfig {
  const refuse = (expected: string, found: string): never => {
    const remedy = 'docs/experiment.md lists every setting.';
    throw new UsageError({ action: `use the experiment of ${source}`, expected, found, remedy });
  };
  const parsed = experimentConfigSchema.safeParse(withoutRemoved(settings, removedOf(settings), source));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`a usable value for "${issue!.path.join('.') || 'the whole'}"`, issue!.message);
  }
  const config = parsed.data;
  const baseline = config.arms[config.baseline];
  if (!baseline || !isBaseline(baseline)) {
    refuse(
      `an arm "${config.baseline}" of the strategy ${BASELINE}, as the baseline`,
      Object.keys(config.arms).join(', '),
    );
  }
  for (const [arm, settings] of Object.entries(config.arms)) {
    const wanted = settings.generator;
    if (wanted !== undefined && !config.generators[wanted]) {
      refuse(
        `a generator "${wanted}" under "generators", as the arm ${arm} uses it`,
        Object.keys(config.generators).join(', ') || 'none',
      );
    }
  }
  for (const [contrast, { arm, against }] of Object.entries(config.contrasts)) {
    const unknown = [arm, ...against].find((each) => !config.arms[each]);
    if (unknown !== undefined) refuse(`arms of the experiment in the contrast ${contrast}`, unknown);
  }
  const stray = Object.keys(config.byBudget).find((budget) => !config.budgets.includes(Number(budget)));
  if (stray !== undefined) refuse(`only budgets of "budgets" under "byBudget": ${config.budgets.join(', ')}`, stray);
  for (const list of ['seeds', 'budgets', 'matchers'] as const) {
    if (new Set<unknown>(config[list]).size < config[list].length)
      refuse(`each of "${list}" once`, config[list].join(', '));
  }
  return config;
}

const NO_STATISTICS = { neutral: false, remedy: 'Leave it out: matchers that were trained with it did worse.' };

/** Options of older versions, for the arms that the settings name. */
function removedOf(settings: unknown): RemovedOption[] {
  const arms = Object(Object(settings).arms);
  return [
    {
      path: 'start',
      neutral: 'fine-tune',
      remedy: 'Leave it out: all arms train on from the weights of the first stage.',
    },
    ...Object.keys(arms).flatMap((arm) => [
      { path: `arms.${arm}.separateStatistics`, ...NO_STATISTICS },
      ...removedFromAdaptive(`arms.${arm}`),
    ]),
  ];
}

type Stages = Pick<ExperimentConfig, 'base' | 'tune' | 'byBudget'>;

/** The two stages of a budget. */
export function stagesOf({ base, tune, byBudget }: Stages, budget: number) {
  const own = Object.entries(byBudget).find(([share]) => Number(share) === budget)?.[1];
  return {
    base: mergeSettings([base, own?.base ?? {}]) as ExperimentConfig['base'],
    tune: mergeSettings([tune, own?.tune ?? {}]) as ExperimentConfig['tune'],
  };
}
