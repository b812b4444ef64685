/**
 * A hard negative, and the header of a list of them. Mined negatives are real SAR patches, by reference into the data
 * set; made ones bring their pixels.
 */
import { z } from 'zod';
import { type PairReference, SPLITS } from '../dataset/patch_pair.ts';
import { MATCHES } from '../generator/match_histogram.ts';
import { normalisationSchema } from '../prepare/normalisation.ts';
import { SAMPLINGS } from './select.ts';

/** Scales of scores: the matcher's calibrated probability of a match, or the cosine of two feature vectors. */
export const SCALES = ['probability', 'cosine'] as const;
export type Scale = (typeof SCALES)[number];

/** SAR patch of one record with the optical patch of another; they show different ground. */
export interface MinedNegative extends PairReference {
  label: 0;
  provenance: 'mined';
  /** Score on the scale of the strategy. */
  score: number;
  /** Score of the anchor's true pair, on the same scale. */
  positiveScore: number;
  /** The matcher's calibrated probability that this negative is a match: how hard it is. */
  probability: number;
  /** Rank among the candidates that the guard allowed, 0 the hardest; for `random`, the place in a random order. */
  rank: number;
  /** Reason for the choice, in words. */
  reason: string;
}

/** Made SAR patch with the optical patch of the record that it was made from. */
export interface MadeNegative {
  /** Record of the optical patch, and of the SAR patch that was the source. */
  optical: number;
  /** Row of the stack. */
  patch: number;
  /** 1 for a reconstruction, which serves as a positive. */
  label: 0 | 1;
  provenance: 'generated';
  /** The matcher's calibrated probability of a match, as are the two below. */
  score: number;
  positiveScore: number;
  probability: number;
  rank: number;
  /** Distance from the true patch, and the share of it that was changed; see patch_distance.ts. */
  distance: number;
  changed: number;
  reason: string;
}

export type Negative = MinedNegative | MadeNegative;
export const isMade = (negative: Negative): negative is MadeNegative => 'patch' in negative;

const common = {
  doppel: z.literal('negatives'),
  version: z.literal(1),
  /** SHA-256 of data set and checkpoint, as hex. */
  dataFingerprint: z.string(),
  modelFingerprint: z.string(),
  seed: z.int(),
  k: z.int().positive(),
};

/** Header of negatives that were chosen among real patches. */
export const minedHeaderSchema = z.object({
  ...common,
  strategy: z.string(),
  split: z.enum(SPLITS),
  /** Scale of `score` and `positiveScore`. */
  scale: z.enum(SCALES),
  sampling: z.enum(SAMPLINGS),
  maxCandidates: z.int().positive(),
  maxUses: z.int().positive(),
  /** Patch sides around an anchor from which nothing is taken. */
  guardMargin: z.number().nonnegative(),
  /** Rules in force, by name. */
  rules: z.record(z.string(), z.number()),
});
export type MinedHeader = z.infer<typeof minedHeaderSchema>;

/** Header of a strategy that is for training only: some of the negatives may be made. */
export const madeHeaderSchema = z.object({
  ...common,
  strategy: z.string(),
  split: z.literal('train'),
  scale: z.literal('probability'),
  /** SHA-256 of the generator's checkpoint as hex; null if no patch was made. */
  generatorFingerprint: z.string().nullable(),
  /** Number of made patches, and SHA-256 of their file. */
  patches: z.object({ count: z.int().nonnegative(), fingerprint: z.string() }),
  /** Preparation of made patches: the part of the matcher's normalisation that SAR patches depend on. */
  preparation: z.object({ side: normalisationSchema.shape.side, sar: normalisationSchema.shape.sar }),
  /** `histogram` stands in files of older versions. */
  match: z.enum([...MATCHES, 'histogram']),
  /** Settings of the strategy. */
  settings: z.record(z.string(), z.json()),
});
export type MadeHeader = z.infer<typeof madeHeaderSchema>;

export type NegativesHeader = MinedHeader | MadeHeader;
