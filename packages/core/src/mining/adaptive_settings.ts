/** Settings of the strategy `adaptive`, and of training that repeats it. docs/mining.md explains each. */
import { z } from 'zod';
import { matchSchema } from '../generator/match_histogram.ts';
import { editSchema, MOVE_RULES } from '../generator/moves.ts';
import type { RemovedOption } from '../runs/settings.ts';
import { refuseContradictions } from './made_settings.ts';

const probability = z.number().min(0).max(1);

const settings = z.strictObject({
  k: z.int().positive().default(1).meta({ description: 'Negatives for each anchor' }),
  // The hardest candidates are mostly real ones, and would leave no room for the other kinds.
  perKind: z
    .boolean()
    .default(false)
    .meta({ description: 'k of each kind of candidate (made, real, nearest), not k in all' }),
  rule: z.enum(MOVE_RULES).default('sample').meta({ description: 'How patches are moved in latent space' }),
  strengths: z
    .array(z.number().positive())
    .default([0.5, 1, 1.5, 2])
    .meta({ description: 'One made candidate for each strength of the rule; empty: real ones only' }),
  real: z
    .int()
    .nonnegative()
    .default(4)
    .meta({ description: 'Real candidates for each anchor: those that the matcher scores highest' }),
  nearest: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ description: 'Further real candidates: those that look most like the true SAR patch' }),
  maxCandidates: z
    .int()
    .min(2)
    .default(250)
    .meta({ description: 'Real SAR patches that these are searched among, drawn at random' }),
  maxUses: z
    .int()
    .positive()
    .default(5)
    .meta({ description: 'Anchors that one real SAR patch may be the negative of' }),
  minScore: probability.default(0.05).meta({ description: 'Skip candidates with a lower score: too easy' }),
  relativeMargin: probability
    .default(0.05)
    .meta({ description: 'Score at most that of the true pair · (1 − m)', hint: 'm' }),
  minDistance: z
    .number()
    .nonnegative()
    .default(0.25)
    .meta({ description: 'Least distance of made candidates from the true patch' }),
  edit: editSchema,
  match: matchSchema,
  reconstructions: z
    .boolean()
    .default(false)
    .meta({ description: 'Also make G(E(x)) for anchors with a made negative, positives in training' }),
  anchors: z.int().min(2).optional().meta({ description: 'Only for n anchors, drawn at random', hint: 'n' }),
});
export const adaptiveSettings = settings.superRefine(refuseContradictions);
export type AdaptiveSettings = z.infer<typeof adaptiveSettings>;

/** Settings of adaptive mining during training, with its interval. */
const refreshSettings = settings.omit({ reconstructions: true, anchors: true }).extend({
  /** Checkpoint of the generator; null if no patch is made. */
  generator: z.string().min(1).nullable().default(null),
  /** Epochs after which negatives are found again. */
  everyEpochs: z.int().positive().default(1),
  /** Anchors that get negatives each time, drawn at random; null: those that training uses until the next mining. */
  anchors: z.int().positive().nullable().default(null),
});
export const refreshSchema = refreshSettings.superRefine(refuseContradictions);
export type RefreshSettings = z.infer<typeof refreshSchema>;

/** Options of older versions, below a path in a configuration. */
export const removedFromAdaptive = (path: string): RemovedOption[] => [
  {
    path: `${path}.ascent`,
    neutral: { steps: 0, size: 0.25 },
    remedy: 'Leave it out: steps up the score in latent space are gone.',
  },
];
