/**
 * The matching network: a SAR and an optical patch in, two logits out. Three presets share this interface:
 *
 * - `paper`: the pseudo-siamese network as published (`matcher/paper.ts`)
 * - `paper-bn`: the same with batch normalisation; it trains where `paper` collapses to a constant output
 * - `two-channel`: both patches as bands of one image (`matcher/two_channel.ts`)
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { fuse, paperParameters, stream } from './architectures/paper.ts';
import { twoChannel, twoChannelParameters } from './architectures/two_channel.ts';
import { type Apart, evaluationLayers, type Layers, trainingLayers } from './layers.ts';
import { type Pairing, takeRows } from './pairing.ts';
import { type Initialisation, initialValues, isStatistic, type ParameterSpec } from './parameters.ts';

export const PRESETS = ['paper', 'paper-bn', 'two-channel'] as const;
export type Preset = (typeof PRESETS)[number];

export const matcherConfigSchema = z.strictObject({
  preset: z.enum(PRESETS),
  /** Of the patches, in pixels. */
  side: z.int().min(64).multipleOf(8),
  sarBands: z.literal(1),
  /** 1: gray, 3: red, green, blue. */
  opticalBands: z.union([z.literal(1), z.literal(3)]),
});
export type MatcherConfig = z.infer<typeof matcherConfigSchema>;

export type MatcherMode =
  | { training: false }
  /**
   * @param seed and step: decide which units dropout zeroes.
   * @param apart rows of `sar` whose maps, and those of their pairs, batch normalisation normalises by themselves; the moving
   * statistics are those of the others. Default: none. Xie et al., Adversarial Examples Improve Image Recognition (CVPR 2020)
   */
  | { training: true; seed: number; step: number; apart?: readonly number[] };

export interface Matcher {
  readonly config: MatcherConfig;
  /** What is trained, by the name that it has in a checkpoint. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Moving mean and variance of batch normalisation, by name; empty for `paper`. */
  readonly statistics: ReadonlyMap<string, tf.Variable>;
  /** Of the parameters, those that the L2 penalty is on: filters and kernels. */
  readonly weightNames: readonly string[];
  /**
   * SAR [n, side, side, sarBands] and optical patches [m, side, side, opticalBands] → logits [N, 2], column 1 for a
   * match. Without a pairing row meets row (n = m = N).
   *
   * In training the batch's own statistics normalise it and move the moving ones.
   */
  logits(sar: tf.Tensor4D, optical: tf.Tensor4D, mode: MatcherMode, pairing?: Pairing): tf.Tensor2D;
  dispose(): void;
}

const INITIALISATION: Record<Preset, Initialisation> = {
  paper: 'glorot-uniform',
  'paper-bn': 'he-normal',
  'two-channel': 'he-normal',
};

/** The tensors of a matcher of this configuration, in the order of a checkpoint. */
export function parameterSpecs(config: MatcherConfig): ParameterSpec[] {
  if (config.preset === 'two-channel') return twoChannelParameters(config);
  return paperParameters(config, config.preset === 'paper-bn');
}

/** A matcher with fresh weights, the same for the same seed. Throws ZodError for a configuration that is none. */
export function createMatcher({ seed, ...given }: MatcherConfig & { seed: number }): Matcher {
  const config = matcherConfigSchema.parse(given);
  return matcherFrom(config, (spec) => initialValues(spec, INITIALISATION[config.preset], seed));
}

/** A matcher whose tensors are given, each of its spec's shape; they become the matcher's own. */
export function matcherFrom(config: MatcherConfig, initial: (spec: ParameterSpec) => tf.Tensor): Matcher {
  const specs = parameterSpecs(config);
  const makeVariables = (some: ParameterSpec[]) =>
    new Map(some.map((spec) => [spec.name, variableOf(initial(spec), !isStatistic(spec))]));
  const parameters = makeVariables(specs.filter((spec) => !isStatistic(spec)));
  const statistics = makeVariables(specs.filter(isStatistic));
  return {
    config,
    parameters,
    statistics,
    weightNames: specs.filter(({ kind }) => kind === 'weight').map(({ name }) => name),
    logits: (sar, optical, mode, pairing) => {
      const layers = mode.training
        ? trainingLayers(parameters, statistics, mode, mode.apart?.length ? apartOf(mode.apart, pairing) : undefined)
        : evaluationLayers(parameters, statistics);
      return forward(config.preset, layers, sar, optical, pairing);
    },
    dispose: () => tf.dispose([...parameters.values(), ...statistics.values()]),
  };
}

/** What is kept apart in each stream: the patches themselves, and the pairs that they take part in. */
function apartOf(rows: readonly number[], pairing: Pairing | undefined): Apart {
  const isApart = new Set(rows);
  const pairs = pairing?.sar.flatMap((row, pair) => (isApart.has(row) ? [pair] : []));
  return { sar: rows, optical: [], fusion: pairs ?? rows, pair: pairs ?? rows };
}

function variableOf(value: tf.Tensor, trainable: boolean): tf.Variable {
  const variable = tf.variable(value, trainable);
  value.dispose();
  return variable;
}

function forward(preset: Preset, layers: Layers, sar: tf.Tensor4D, optical: tf.Tensor4D, pairing?: Pairing) {
  if (preset !== 'two-channel') {
    return fuse(layers, stream(layers, 'sar', sar), stream(layers, 'optical', optical), pairing);
  }
  if (!pairing) return twoChannel(layers, sar, optical);
  return twoChannel(layers, takeRows(sar, pairing.sar), takeRows(optical, pairing.optical));
}
