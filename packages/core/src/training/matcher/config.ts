/**
 * The configuration of a training run: every setting with its range, and defaults by preset. `docs/training.md` is the
 * reference for people.
 *
 * What a user gives is partial; `resolveConfig` fills it up from the preset. The resolved configuration is stored in the
 * run's folder and in its checkpoints.
 */
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { matcherConfigSchema, PRESETS, type Preset } from '../../matcher/matcher.ts';
import { refreshSchema } from '../../mining/adaptive_settings.ts';
import { augmentationSchema } from '../../prepare/augmentation.ts';
import { normalisationOptionsSchema } from '../../prepare/normalisation.ts';
import { scheduleSchema } from './schedule.ts';

const share = z.number().min(0).max(1);
/** One for the whole run, or one an epoch, of which the last holds on. */
const shares = z.union([share, z.array(share).min(1)]);

export const trainingConfigSchema = z.strictObject({
  /** Folder of the data set. */
  data: z.string().min(1),
  preset: z.enum(PRESETS),
  /** Side of the patches; must be that of the data set. */
  side: matcherConfigSchema.shape.side,
  /** Decides weights, samples, augmentation and dropout. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  epochs: z.int().positive(),
  /** Default: as many as it takes to see each training pair once. */
  stepsPerEpoch: z.int().positive(),
  /** Ends the run within an epoch; null: at the end of the last. */
  maxSteps: z.int().positive().nullable(),
  /** Pairs in a batch. */
  batch: z.strictObject({ positives: z.int().positive(), negatives: z.int().positive() }),
  optimiser: z.strictObject({
    learningRate: z.number().positive(),
    beta1: z.number().min(0).lt(1),
    beta2: z.number().min(0).lt(1),
    epsilon: z.number().positive(),
  }),
  schedule: scheduleSchema,
  /** Steps over which the learning rate rises from 0. */
  warmupSteps: z.int().nonnegative(),
  /** λ of the penalty λ·Σw² on filters and kernels. */
  l2: z.number().nonnegative(),
  /** Checkpoint to train on from; null: fresh weights. */
  from: z.string().min(1).nullable(),
  negatives: z.strictObject({
    /** Hard negatives, as `doppel mine` writes them; null: none. */
    file: z.string().min(1).nullable(),
    /** Share of mined real patches in a batch's negatives; a list gives one share an epoch, its last one holds on. */
    mined: shares,
    /** The same of made patches; where both do not fit, mined ones come first. */
    generated: shares.default(0.5),
    /** Let reconstructions stand for true SAR patches in the same share, so that being made tells nothing. */
    reconstructions: z.boolean().default(false),
    /** Normalise made patches of a batch by statistics of their own, so that these do not tell how many are made. */
    separateStatistics: z.boolean().default(false),
    /** Find negatives anew with the matcher as it learns; null: those of the file throughout. */
    adaptive: refreshSchema.nullable().default(null),
    /** Share of the pairs that the data set labels 0, where it has any. What is left is shuffled. */
    listed: share,
  }),
  augmentation: augmentationSchema,
  normalisation: normalisationOptionsSchema,
  validation: z.strictObject({
    /** True pairs that are validated on, with as many shuffled negatives; drawn once from the split where it has more. */
    positives: z.int().min(2),
    seed: z.int().min(0),
  }),
  selection: z.strictObject({
    /** What the best epoch is best by. */
    metric: z.enum(['auc', 'loss']),
    /** Epochs without a better one after which the run ends early; null: never. */
    patience: z.int().positive().nullable(),
  }),
  /** How often `last` is saved between the ends of epochs. */
  save: z.strictObject({ everyMinutes: z.number().positive() }),
});
export type TrainingConfig = z.infer<typeof trainingConfigSchema>;

/** Settings as YAML and flags give them: any part of a configuration. */
export type PartialConfig = { [key: string]: unknown };

const COMMON = {
  seed: 1,
  batch: { positives: 32, negatives: 32 },
  epochs: 30,
  maxSteps: null,
  optimiser: { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  schedule: { kind: 'constant' },
  warmupSteps: 0,
  l2: 1e-5,
  from: null,
  negatives: {
    ...{ file: null, mined: 0.5, generated: 0.5, reconstructions: false, separateStatistics: false },
    ...{ adaptive: null, listed: 0.5 },
  },
  augmentation: { flips: true, turns: true, shift: 0, speckleLooks: null },
  normalisation: {},
  validation: { positives: 2000, seed: 1 },
  selection: { metric: 'auc', patience: null },
  save: { everyMinutes: 5 },
} satisfies PartialConfig;

/** What a preset changes of the common defaults. `paper` is the published recipe. */
const PRESET_DEFAULTS: Record<Preset, PartialConfig> = {
  paper: {
    optimiser: { learningRate: 9e-4 },
    l2: 1e-3,
    augmentation: { flips: false, turns: false },
  },
  'paper-bn': {},
  'two-channel': {},
};

export const DEFAULT_PRESET: Preset = 'paper-bn';

/** What the data set decides where the user does not. */
export interface DataFacts {
  data: string;
  side: number;
  /** Positive pairs of the training split. */
  positives: number;
}

/**
 * @param given any part of a configuration, the strongest last.
 * @param source of the settings, for messages: "run.yaml".
 * @throws UsageError that names the key that is unknown, or whose value is out of range.
 */
export function resolveConfig(given: readonly PartialConfig[], facts: DataFacts, source: string): TrainingConfig {
  const asked = mergeSettings(given);
  const preset = (asked.preset ?? DEFAULT_PRESET) as Preset;
  const defaults = merge(COMMON, PRESET_DEFAULTS[preset] ?? {});
  const settings = [{ preset, data: facts.data, side: facts.side }, asked].reduce(merge, defaults);
  const positives = Number((settings.batch as { positives?: unknown } | undefined)?.positives);
  settings.stepsPerEpoch ??= Math.max(1, Math.round(facts.positives / (positives || 1)));
  return parseConfig(settings, source);
}

/** @throws UsageError as `resolveConfig`. */
export function parseConfig(settings: unknown, source: string): TrainingConfig {
  const parsed = trainingConfigSchema.safeParse(settings);
  if (parsed.success) {
    refuseTwoSources(parsed.data, source);
    return parsed.data;
  }
  const [first, ...others] = parsed.error.issues.map(describeIssue);
  const more = others.length > 0 ? ` (and ${others.length} more: ${others.map(({ found }) => found).join('; ')})` : '';
  throw new UsageError({
    action: `use the configuration of ${source}`,
    expected: first!.expected,
    found: first!.found + more,
    remedy: 'docs/training.md lists every setting.',
    cause: parsed.error,
  });
}

function refuseTwoSources({ negatives: { file, adaptive } }: TrainingConfig, source: string): void {
  if (file === null || adaptive === null) return;
  throw new UsageError({
    action: `use the configuration of ${source}`,
    expected: 'hard negatives from a file, or found anew by "negatives.adaptive"',
    found: `both (${file})`,
    remedy: 'Leave one of them out (null).',
  });
}

/** What was wrong with a setting, for a message that names it. */
export function describeIssue(issue: z.core.$ZodIssue): { expected: string; found: string } {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${[path, key].filter(Boolean).join('.')}"`).join(', ');
    return { expected: `known settings${path ? ` under "${path}"` : ''}`, found: `the unknown ${names}` };
  }
  return { expected: `a usable value for "${path}"`, found: issue.message };
}

/** Later settings win, key by key; lists and values are taken whole. A schedule of another kind replaces the former. */
function merge(base: PartialConfig, over: PartialConfig): PartialConfig {
  const merged: PartialConfig = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const before = merged[key];
    const isOther = isRecord(before) && isRecord(value) && value.kind !== undefined && value.kind !== before.kind;
    merged[key] = isRecord(before) && isRecord(value) && !isOther ? merge(before, value) : value;
  }
  return merged;
}

/** What was given, before defaults: where a data set and a checkpoint are named. */
export const mergeSettings = (given: readonly PartialConfig[]): PartialConfig => given.reduce(merge, {});

const isRecord = (value: unknown): value is PartialConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Share of mined negatives in an epoch (from 0); 0 without any. */
export function minedShare({ negatives }: TrainingConfig, epoch: number, hasMined: boolean): number {
  return hasMined ? shareAt(negatives.mined, epoch) : 0;
}

/** The same of made negatives. */
export function generatedShare({ negatives }: TrainingConfig, epoch: number, hasGenerated: boolean): number {
  return hasGenerated ? shareAt(negatives.generated, epoch) : 0;
}

const shareAt = (shares: number | readonly number[], epoch: number): number =>
  typeof shares === 'number' ? shares : shares[Math.min(epoch, shares.length - 1)]!;

export const totalSteps = ({ epochs, stepsPerEpoch, maxSteps }: TrainingConfig): number =>
  Math.min(epochs * stepsPerEpoch, maxSteps ?? Number.POSITIVE_INFINITY);
