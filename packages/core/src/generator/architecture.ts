/**
 * Contract of a generative network: one value, in one file under architectures/ and in the list of architectures.ts.
 * Training, opening, mining and the command line derive everything from it.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { z } from 'zod';
import type { StepCapture } from '../backends/step_capture.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { Moments } from '../runs/moments.ts';
import type { PartialConfig, RemovedOption } from '../runs/settings.ts';
import type { Values } from '../runs/values.ts';
import type { SpeckleStatistics } from './grain/speckle.ts';
import type { PatchStack } from './patch_stack.ts';

/** Configuration of the networks, as in a checkpoint; an architecture adds its own fields. */
export interface NetworksConfig {
  /** Patch side length at full resolution, in pixels. */
  side: number;
}

/** Networks of every generator; one that an architecture lacks has no tensors. */
export const NETWORKS = ['encoder', 'decoder', 'critic', 'average', 'speckle'] as const;
export type Network = (typeof NETWORKS)[number];

/** Networks trained by gradients. */
export const TRAINED_NETWORKS = ['encoder', 'decoder', 'critic'] as const;
export type TrainedNetwork = (typeof TRAINED_NETWORKS)[number];

export interface GeneratorParameterSpec {
  /** `<network>.<layer>.<filter | kernel | bias>` */
  name: string;
  network: Network;
  /** Filters [height, width, in, out], kernels [in, out], biases [out]. */
  shape: number[];
  /** Smallest patch side in pixels at which the tensor is used; absent: at every one. */
  usedFrom?: number;
}

export type Parameters = ReadonlyMap<string, tf.Tensor>;

export interface Generator {
  /** Name of its architecture. */
  readonly preset: string;
  readonly config: NetworksConfig;
  /** Patch → distribution of its code. */
  readonly encoder: ReadonlyMap<string, tf.Variable>;
  /** Code → patch. */
  readonly decoder: ReadonlyMap<string, tf.Variable>;
  /** Patch → realness score. */
  readonly critic: ReadonlyMap<string, tf.Variable>;
  /** Moving average of the decoder, which generates patches. */
  readonly average: ReadonlyMap<string, tf.Variable>;
  /** Statistics of speckle, measured and not learned. */
  readonly speckle: ReadonlyMap<string, tf.Variable>;
  dispose(): void;
}

/** Stage of progressive growth. */
export interface Growth {
  /** Position in `sides`, from 0. */
  stage: number;
  /** Weight of the newest level while it is faded in, 0 to 1. */
  alpha: number;
}

/**
 * Gradients that the caller needs; the others are not computed:
 *
 * - `both`
 * - `parameters`: the input is data
 * - `input`: gradients pass through to the input; those of parameters are computed only on request
 */
export type Wanted = 'both' | 'parameters' | 'input';

export interface NetworkOptions extends Growth {
  /** Default: both. */
  wanted?: Wanted;
}

export interface GeneratorArchitecture<
  Networks extends NetworksConfig = NetworksConfig,
  Settings extends GeneratorSettings = GeneratorSettings,
> {
  /** Name in flags, settings and checkpoints (`preset`). */
  readonly name: string;
  /** Accepts the networks' fields in a checkpoint; missing ones take the architecture's defaults. */
  readonly networks: z.ZodType<Networks>;
  /** Tensors in the order of a checkpoint. */
  parameters(config: Networks): GeneratorParameterSpec[];
  /** Fresh tensor, the same for the same seed on every backend. */
  initial(spec: GeneratorParameterSpec, seed: number): tf.Tensor;
  /** Shape of a code: [512], or [rows, columns, channels]. Codes pass as its elements in a row, [n, their number]. */
  latentShape(config: Networks): number[];
  /** Patch side lengths by stage of growth, the last at full resolution. */
  sides(config: Networks): number[];
  /** Patches [n, side, side, 1] → mean and log variance of their codes. */
  encode(encoder: Parameters, x: tf.Tensor4D, options: NetworkOptions): { mu: tf.Tensor2D; logvar: tf.Tensor2D };
  /** Codes → patches [n, side, side, 1]; takes the parameters of the decoder or of its average. */
  decode(decoder: Parameters, z: tf.Tensor2D, options: NetworkOptions): tf.Tensor4D;
  /**
   * Codes → the ground without speckle, and the logarithm of the standard deviation of speckle on it, each
   * [n, side, side, 1]; absent where decoded patches hold their speckle.
   */
  ground?(
    decoder: Parameters,
    z: tf.Tensor2D,
    options: NetworkOptions,
  ): { reflectivity: tf.Tensor4D; logDeviation: tf.Tensor4D };
  /** Statistics of speckle in a checkpoint, where `ground` is; undefined as long as they are not measured. */
  speckle?(tensors: ReadonlyMap<string, Values>): SpeckleStatistics | undefined;
  readonly recipe: GeneratorRecipe<Settings>;
}

/** Settings that every architecture's training has. */
export interface GeneratorSettings {
  side: number;
  objective: string;
  /** Seed of weights, batches, augmentation and noise. */
  seed: number;
}

/** Recipe of the training of an architecture. */
export interface GeneratorRecipe<Settings extends GeneratorSettings = GeneratorSettings> {
  /** Training objectives, the default first. */
  readonly objectives: readonly string[];
  /** Terms of the losses, `network.term`: columns of metrics.csv. */
  readonly losses: readonly string[];
  /** Schema of the settings that not all generators have: the networks' fields and those of the architecture. */
  readonly settings: z.ZodRawShape;
  readonly removed: readonly RemovedOption[];
  /** Smallest side of networks that patches of a side fit into; default: the next power of 2. */
  sideFor?(side: number): number;
  /** Defaults for networks of a side, of common settings, too. */
  defaults(side: number): PartialConfig;
  /** Refuses settings that contradict each other. */
  check(settings: Settings, refuse: (path: (string | number)[], message: string) => void): void;
  /** Fields of the networks, for patches prepared by a normalisation. */
  networksOf(settings: Settings, normalisation: Normalisation): NetworksConfig;
  stages(settings: Settings): StagePlan[];
  /** True if codes are distributions with a KL divergence from the prior. */
  hasPosterior(settings: Settings): boolean;
  /**
   * Trains by one batch: parameters, the averaged decoder and the moments change.
   *
   * @param batch patches [n, side, side, 1] at the stage's side. @param at with the step within the stage, from 0.
   * @returns scalars that the caller disposes of, by `losses`; those that the objective lacks are absent.
   */
  step(
    generator: Generator,
    moments: Moments,
    batch: tf.Tensor4D,
    settings: Settings,
    at: Growth & { step: number },
  ): Record<string, tf.Scalar>;
  /** The same from a step on, captured; undefined where that step cannot be captured. Absent: no step can. */
  capture?(capture: StepCapture, from: StepsToCapture<Settings>): CapturedSteps | undefined;
  /** Measures what gradients do not learn, once the networks are trained. @param patches of the training split. */
  finish?(generator: Generator, patches: PatchStack): Promise<void>;
  /** Network whose loss is not finite; undefined if all are finite. */
  culprit(losses: Readonly<Record<string, number>>): string | undefined;
}

export interface StepsToCapture<Settings extends GeneratorSettings = GeneratorSettings> {
  generator: Generator;
  moments: Moments;
  settings: Settings;
  /** Shape of the patches, [n, side, side, 1]. */
  batch: number[];
  /** The first of them. */
  step: number;
}

/** Steps that follow each other, each with the bits that `step` would give. */
export interface CapturedSteps {
  /** Trains by one batch. @returns losses, as `step` does. */
  replay(patches: tf.Tensor4D, step: number): Promise<Record<string, number>>;
  /** Leaves networks and moments as the last replay did. */
  dispose(): void;
}

/** A stage of training: batches of patches of one side. */
export interface StagePlan {
  /** Position among the stages of the run. */
  index: number;
  /** Position among the sides of the networks. */
  stage: number;
  side: number;
  batch: number;
  /** Steps until the newest level is faded in fully. */
  fadeSteps: number;
  steps: number;
  /** Steps and images of the run before this stage. */
  firstStep: number;
  firstImage: number;
}
