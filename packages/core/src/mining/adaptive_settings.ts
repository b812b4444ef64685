/** What the strategy `adaptive` may be told. docs/mining.md explains each setting. */
import { z } from 'zod';
import { LATENT_RULES } from '../generator/latent.ts';
import { MATCHES } from '../generator/match_histogram.ts';

const probability = z.number().min(0).max(1);

export const adaptiveSettingsSchema = z.strictObject({
  /** Negatives for each anchor. */
  k: z.int().positive().default(1),
  /** So many of each kind (made, real, nearest): what is hardest now is mostly real, and would leave no room for the others. */
  perKind: z.boolean().default(false),
  rule: z.enum(LATENT_RULES).default('sample'),
  /** One made candidate for each strength; empty: real ones only. */
  strengths: z.array(z.number().positive()).default([0.5, 1, 1.5, 2]),
  /** Real candidates for each anchor: the ones that the matcher scores highest; 0: made ones only. */
  real: z.int().nonnegative().default(4),
  /** Further real candidates: the ones most alike to the anchor's own SAR patch by the features of the matcher's stream. */
  nearest: z.int().nonnegative().default(0),
  /** Real SAR patches that these are searched among, drawn at random. */
  maxCandidates: z.int().min(2).default(250),
  /** Anchors that a real SAR patch may be the negative of. */
  maxUses: z.int().positive().default(5),
  /** Candidates that score less are too easy to teach anything. */
  minScore: probability.default(0.05),
  /** Positive-aware: candidates that score more than positive − relativeMargin·positive may show the same ground. */
  relativeMargin: probability.default(0.05),
  /** Made candidates nearer than this to the true patch are too much like it; see patch_distance.ts. */
  minDistance: z.number().nonnegative().default(0.25),
  match: z.enum(MATCHES).default('none'),
  /** Steps up the matcher's score, in latent space; 0: none. */
  ascent: z
    .strictObject({
      steps: z.int().nonnegative().default(0),
      /** Length of a step, in standard deviations of the encoder. */
      size: z.number().positive().default(0.25),
    })
    .prefault({}),
});
export type AdaptiveSettings = z.infer<typeof adaptiveSettingsSchema>;

/** In training: the same, and how often. */
export const refreshSchema = adaptiveSettingsSchema.extend({
  /** Checkpoint of the generator; null where no patch is to be made. */
  generator: z.string().min(1).nullable().default(null),
  /** Epochs after which negatives are found anew. */
  everyEpochs: z.int().positive().default(1),
  /** Anchors that get negatives each time, drawn at random; null: those that training meets until the next time. */
  anchors: z.int().positive().nullable().default(null),
});
export type RefreshSettings = z.infer<typeof refreshSchema>;
