/**
 * Contract of a matching network: one value, in one file under architectures/ and in the list of
 * architectures.ts. Training, scoring, mining, the command line and the bench read all they need from it.
 */
import { z } from 'zod';
import type { AugmentationConfig } from '../prepare/augmentation.ts';
import type { normalisationOptionsSchema } from '../prepare/fit_normalisation.ts';
import type { Modality } from '../prepare/normalisation.ts';
import type { PatchShape } from '../prepare/patch_source.ts';
import type { Layers } from './layers.ts';
import type { Pairing } from './pairing.ts';
import type { Initialisation } from './parameters.ts';

/** Configuration of a matcher, as a checkpoint stores it; an architecture may add settings. */
export interface MatcherConfig extends PatchShape {
  /** Name of the architecture. */
  preset: string;
  sarBands: 1;
  /** 1: gray, 3: red, green, blue. */
  opticalBands: 1 | 3;
}

export interface Architecture<Config extends MatcherConfig = MatcherConfig> {
  readonly name: string;
  /** Accepts the patch sides and bands that the network takes, and its own settings; `configOf` makes one. */
  readonly config: z.ZodType<Config>;
  /**
   * SAR patches [n, side, side, sarBands] and optical patches [m, side, side, opticalBands] → logits [N, 2], column 1
   * for a match. Without a pairing row meets row (n = m = N).
   *
   * Parameters are listed in the order in which they are met here.
   */
  logits<T>(layers: Layers<T>, sar: T, optical: T, config: Config, pairing?: Pairing): T;
  /** Present if each sensor has a separate stream. */
  readonly towers?: Towers<Config>;
  /** Present if it is trained to find SAR templates in optical windows; default: to tell pairs apart. */
  readonly localisation?: Localisation<Config>;
  /** Present if the same weights take patches of other sides, too; default: only those of the side of training. */
  readonly sides?: SideRule;
  readonly initialisation: Initialisation;
  readonly recipe: Recipe;
  /** Advice for a run whose outputs are constant; default: a gentler start. */
  readonly adviceIfConstant?: string;
}

/** Patch sides in pixels. */
export interface SideRule {
  min: number;
  multipleOf: number;
}

/** The network in parts, for patches that meet many partners: a patch goes through its tower once. */
export interface Towers<Config extends MatcherConfig = MatcherConfig> {
  /** Patches of one sensor → maps to join, [n, h, w, c]. */
  tower<T>(layers: Layers<T>, sensor: Modality, patches: T, config: Config): T;
  /** Maps of N pairs → logits [N, 2]; one side may have a single row, which then meets every row of the other. */
  join<T>(layers: Layers<T>, sar: T, optical: T, config: Config): T;
  /** Patches of one sensor → [n, d], by whose cosines patches of that sensor are compared. */
  descriptor<T>(layers: Layers<T>, sensor: Modality, patches: T, config: Config): T;
}

/** The network as it learns to find templates in windows: softmax over places, and over the windows of a batch. */
export interface Localisation<Config extends MatcherConfig = MatcherConfig> {
  /** Pixels between neighbouring places of a map. */
  readonly stride: number;
  /** Parameters that make logits of a similarity x: e^logScale · (x − midpoint). */
  readonly similarity: { readonly logScale: string; readonly midpoint: string };
  /**
   * SAR templates [T, s, s, 1] and optical windows [W, S, S, bands] → what the loss compares; s and S are multiples of
   * 8.
   */
  terms<T>(layers: Layers<T>, templates: T, windows: T, config: Config): LocalisationTerms<T>;
}

export interface LocalisationTerms<T> {
  /** Similarity of each template at each place of each window, [T, W, n, n]. */
  maps: T;
  /** Descriptors of templates and windows, [T, d] and [W, d]. */
  templates: T;
  windows: T;
}

/** Training settings in which an architecture differs from the common defaults; keys as in docs/training.md. */
export interface Recipe {
  optimiser?: { learningRate?: number; beta1?: number; beta2?: number; epsilon?: number };
  l2?: number;
  warmupSteps?: number;
  epochs?: number;
  batch?: { positives?: number; negatives?: number };
  schedule?: { kind: 'constant' | 'cosine' };
  augmentation?: Partial<AugmentationConfig>;
  normalisation?: z.input<typeof normalisationOptionsSchema>;
}

/** Schema of name, side and bands, which `.extend` gives further settings. @param side accepts the patch sides. */
export const configOf = (name: string, side: z.ZodNumber) =>
  z.strictObject({
    preset: z.literal(name),
    /** Patch side length in pixels. */
    side,
    sarBands: z.literal(1),
    /** 1: gray, 3: red, green, blue. */
    opticalBands: z.union([z.literal(1), z.literal(3)]),
  });
