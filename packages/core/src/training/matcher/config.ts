/**
 * Configuration of a training run: every setting with its range, and the common defaults. `docs/training.md` is its
 * reference.
 *
 * A user's settings are partial; `resolveConfig` completes them from the recipe of the architecture. The resolved
 * configuration is stored in the run's folder and in its checkpoints.
 */
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import type { MatcherConfig } from '../../matcher/architecture.ts';
import {
  ARCHITECTURES,
  architectureName,
  DEFAULT_ARCHITECTURE,
  matcherConfigSchema,
} from '../../matcher/architectures.ts';
import { refreshSchema, removedFromAdaptive } from '../../mining/adaptive_settings.ts';
import { RATIO_OF_ONE } from '../../mining/made_settings.ts';
import { augmentationSchema } from '../../prepare/augmentation.ts';
import { normalisationOptionsSchema } from '../../prepare/fit_normalisation.ts';
import { processesSchema } from '../../processes/settings.ts';
import { mergeSettings, type PartialConfig, parseSettings, type RemovedOption } from '../../runs/settings.ts';
import { alikeSchema, lossSchema, marginSchema, memorySchema } from './hard_settings.ts';
import { localisationSchema } from './localisation/settings.ts';
import { scheduleSchema } from './schedule.ts';

const share = z.number().min(0).max(1);
/** Share of the whole run, or one an epoch, of which the last applies to all further epochs. */
const shares = z.union([share, z.array(share).min(1)]);

const fields = z.strictObject({
  /** Folder of the data set. */
  data: z.string().min(1),
  /** Name of the architecture; its recipe gives defaults. */
  preset: architectureName,
  /** Patch side length in pixels; must be that of the data set. */
  side: z.int().positive(),
  /** Settings specific to the architecture. */
  matcher: z.record(z.string(), z.unknown()).optional(),
  /** Seed of weights, samples, augmentation and dropout. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  epochs: z.int().positive(),
  /** Default: as many as it takes to see each training pair once. */
  stepsPerEpoch: z.int().positive(),
  /** Ends the run within an epoch; null: at the end of the last. */
  maxSteps: z.int().positive().nullable(),
  /** Pairs in a batch; of training by localisation, windows with their templates, and further templates. */
  batch: z.strictObject({
    positives: z.int().positive(),
    negatives: z.int().nonnegative(),
    /** Share of a batch's anchors that are alike, so that its shuffled negatives are hard; default: none. */
    alike: alikeSchema.optional(),
  }),
  /** Loss of pairs, if another than cross-entropy alone. */
  loss: lossSchema.optional(),
  /** Statistics of batch normalisation: of each batch, the default, or those of `from`, unchanged. */
  statistics: z.enum(['batch', 'frozen']).optional(),
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
  /** Checkpoint whose weights are trained further; null: fresh weights. */
  from: z.string().min(1).nullable(),
  negatives: z.strictObject({
    /** Hard negatives, as `doppel mine` writes them; null: none. */
    file: z.string().min(1).nullable(),
    /**
     * Share of mined real patches in a batch's negatives; a list gives one share an epoch, the last one applies to all
     * further epochs.
     */
    mined: shares,
    /** The same for generated patches; if both exceed the batch, mined ones take precedence. */
    generated: shares.default(0.5),
    /** Replace the same share of true SAR patches by reconstructions, so that "generated" does not reveal the label. */
    reconstructions: z.boolean().default(false),
    /** Find negatives again with the matcher as it learns; null: those of the file throughout. */
    adaptive: refreshSchema.nullable().default(null),
    /** Share of the pairs that the data set labels 0, if it has any. The rest of the negatives is shuffled. */
    listed: share,
    /** Hold made negatives below their positives by a margin; default: they are pairs of label 0. */
    margin: marginSchema.optional(),
    /** Leave out made negatives that scored above this share of their positive's score when they were made. */
    ceiling: share.optional(),
    /** False: made patches pass through the network, and are in no loss: a control. */
    counted: z.boolean().optional(),
    /** Meet SAR patches without labels, by maps that are computed once an epoch. */
    memory: memorySchema.optional(),
  }),
  augmentation: augmentationSchema,
  normalisation: normalisationOptionsSchema,
  /** Training by localisation, of the architectures that learn so. */
  localisation: localisationSchema.optional(),
  validation: z.strictObject({
    /**
     * True pairs that are validated on, with as many shuffled negatives; drawn once from the split where it has more.
     */
    positives: z.int().min(2),
    seed: z.int().min(0),
  }),
  selection: z.strictObject({
    /** Validation metric that selects the best epoch. */
    metric: z.enum(['auc', 'loss']),
    /** Epochs without a better one after which the run ends early; null: never. */
    patience: z.int().positive().nullable(),
  }),
  /** Sharing of a batch, where many processes train together. */
  processes: processesSchema.optional(),
  /** Interval at which `last` is saved within an epoch. */
  save: z.strictObject({ everyMinutes: z.number().positive() }),
});
export type TrainingConfig = z.infer<typeof fields>;

/** Settings in range, of a matcher that the architecture can make. */
export const trainingConfigSchema = fields.superRefine((config, context) => {
  const own = matcherConfigSchema.safeParse(matcherOptions(config, 1));
  for (const { path, message } of own.error?.issues ?? []) {
    context.addIssue({ code: 'custom', path: path[0] === 'side' ? ['side'] : ['matcher', ...path], message });
  }
  if (config.negatives.adaptive?.edit === 'ratio' && config.negatives.reconstructions) {
    context.addIssue({ code: 'custom', path: ['negatives', 'reconstructions'], message: RATIO_OF_ONE });
  }
  refuseContradictions(config, context);
  if (!ARCHITECTURES.has(config.preset)) return; // named already
  const localises = ARCHITECTURES.get(config.preset).localisation !== undefined;
  if (!localises && config.batch.negatives === 0) {
    context.addIssue({ code: 'custom', path: ['batch', 'negatives'], message: 'must be at least 1' });
  }
  if (localises === (config.localisation !== undefined)) return;
  const message = localises ? `${config.preset} needs it` : `${config.preset} does not learn by localisation`;
  context.addIssue({ code: 'custom', path: ['localisation'], message });
});

function refuseContradictions(config: TrainingConfig, context: z.RefinementCtx): void {
  const { negatives } = config;
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (negatives.margin && negatives.counted === false) {
    refuse(['negatives', 'margin'], 'asks for a loss of made negatives, which "negatives.counted" false leaves out');
  }
  const isSetApart = negatives.margin !== undefined || negatives.counted === false;
  if (isSetApart && config.localisation === undefined && mayAllBeMade(config)) {
    refuse(['negatives', 'generated'], 'leaves a batch no negative of label 0, as made ones are set apart: lower it');
  }
}

/** True where made negatives are all of a batch in some epoch, of which each anchor has one at most. */
function mayAllBeMade({ batch: { positives, negatives: wanted }, negatives, epochs }: TrainingConfig): boolean {
  const { memory, mined, generated } = negatives;
  if (memory || wanted > positives) return false;
  return Array.from({ length: epochs }, (_, epoch) => epoch).some(
    (epoch) => wanted * shareAt(mined, epoch) < 1 && wanted * shareAt(generated, epoch) > wanted - 1,
  );
}

/** The matcher that a configuration describes, not yet checked. */
export const matcherOptions = (
  { preset, side, matcher }: Pick<TrainingConfig, 'preset' | 'side' | 'matcher'>,
  opticalBands: 1 | 3,
): MatcherConfig => ({ preset, side, sarBands: 1, opticalBands, ...matcher });

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
    ...{ file: null, mined: 0.5, generated: 0.5, reconstructions: false },
    ...{ adaptive: null, listed: 0.5 },
  },
  augmentation: { flips: true, turns: true, shift: 0, speckleLooks: null },
  normalisation: {},
  validation: { positives: 2000, seed: 1 },
  selection: { metric: 'auc', patience: null },
  save: { everyMinutes: 5 },
} satisfies PartialConfig;

/** Facts of the data set that give defaults. */
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
  const preset = asked.preset ?? DEFAULT_ARCHITECTURE;
  const recipe = ARCHITECTURES.has(String(preset)) ? ARCHITECTURES.get(String(preset)).recipe : {};
  const localises = ARCHITECTURES.has(String(preset)) && ARCHITECTURES.get(String(preset)).localisation;
  const inherited = { preset, data: facts.data, side: facts.side, ...(localises && { localisation: {} }) };
  const settings = mergeSettings([COMMON, { ...recipe }, inherited, asked]);
  const positives = Number((settings.batch as { positives?: unknown } | undefined)?.positives);
  settings.stepsPerEpoch ??= Math.max(1, Math.round(facts.positives / (positives || 1)));
  return parseConfig(settings, source);
}

/** @throws UsageError as `resolveConfig`. */
export function parseConfig(settings: unknown, source: string): TrainingConfig {
  const config = parseSettings(
    { schema: trainingConfigSchema, removed: REMOVED, page: 'docs/training.md' },
    settings,
    source,
  );
  refuseTwoSources(config, source);
  return config;
}

const REMOVED: readonly RemovedOption[] = [
  ...removedFromAdaptive('negatives.adaptive'),
  {
    path: 'negatives.separateStatistics',
    neutral: false,
    remedy: 'Leave it out: matchers that were trained with it did worse.',
  },
  { path: 'schedule.kind', values: ['step', 'plateau'], remedy: 'Use `cosine`, or `constant`.' },
];

function refuseTwoSources({ negatives: { file, adaptive } }: TrainingConfig, source: string): void {
  if (file === null || adaptive === null) return;
  throw new UsageError({
    action: `use the configuration of ${source}`,
    expected: 'hard negatives from a file, or adaptive mining by "negatives.adaptive"',
    found: `both (${file})`,
    remedy: 'Leave one of them out (null).',
  });
}

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
