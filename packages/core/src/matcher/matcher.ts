/** The matching network: a SAR and an optical patch in, two logits out, by one of the architectures of architectures.ts. */
import * as tf from '@tensorflow/tfjs-core';
import type { z } from 'zod';
import { UsageError } from '../errors.ts';
import type { Processes } from '../processes/communicator.ts';
import { gatherRows } from '../processes/gather_rows.ts';
import type { Architecture, Localisation, LocalisationTerms, MatcherConfig, Towers } from './architecture.ts';
import { ARCHITECTURES, matcherConfigSchema } from './architectures.ts';
import type { Layers } from './layers.ts';
import { parameterSpecs } from './network_layers.ts';
import { type Pairing, takeRows } from './pairing.ts';
import { initialValues, isStatistic, type ParameterSpec } from './parameters.ts';
import { evaluationLayers, frozenLayers, trainingLayers } from './tensor_layers.ts';

/**
 * Training or scoring. Seed and step of a training step decide which units dropout zeroes. `frozen` trains with the
 * moving statistics of batch normalisation, and leaves them as they are. Of many processes each passes an own share of
 * the batch.
 */
export type MatcherMode =
  | { training: false }
  | { training: true; seed: number; step: number; frozen?: boolean; processes?: Processes | undefined };

export interface Matcher {
  readonly config: MatcherConfig;
  /** Trained tensors by the name that they have in a checkpoint. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Moving mean and variance of batch normalisation by name; empty for an architecture without it. */
  readonly statistics: ReadonlyMap<string, tf.Variable>;
  /** Names of the parameters under the L2 penalty: filters and kernels. */
  readonly weightNames: readonly string[];
  /**
   * SAR [n, side, side, sarBands] and optical patches [m, side, side, opticalBands] → logits [N, 2], column 1 for a
   * match. Without a pairing row meets row (n = m = N).
   *
   * In training the batch's own statistics normalise it and move the moving ones, unless they are frozen.
   *
   * @param memory maps of further SAR patches, by `remember`, [k, h, w, c]: rows from n on of the pairing.
   */
  logits(
    sar: tf.Tensor4D,
    optical: tf.Tensor4D,
    mode: MatcherMode,
    pairing?: Pairing,
    memory?: tf.Tensor4D,
  ): tf.Tensor2D;
  /**
   * Maps of SAR patches [n, side, side, sarBands] as a later training step may join them: [n, h, w, c].
   *
   * @param frozen as in that step. @throws UsageError if both patches enter one stream.
   */
  remember(sar: tf.Tensor4D, frozen: boolean): tf.Tensor4D;
  /**
   * SAR templates [T, s, s, 1] and optical windows [W, S, S, bands] → what the loss of localisation compares, and the
   * parameters, [1] each, that make logits of a similarity.
   *
   * @throws UsageError if the architecture does not learn so.
   */
  localise(
    templates: tf.Tensor4D,
    windows: tf.Tensor4D,
    mode: MatcherMode,
  ): { terms: LocalisationTerms<tf.Tensor>; similarity: Record<'logScale' | 'midpoint', tf.Tensor1D> };
  dispose(): void;
}

/** A matcher with fresh weights, the same for the same seed. @throws UsageError if the configuration is invalid. */
export function createMatcher({ seed, ...given }: MatcherConfig & { seed: number }): Matcher {
  const config = parseMatcherConfig(given);
  const { initialisation } = ARCHITECTURES.get(config.preset);
  return matcherFrom(config, (spec) => initialValues(spec, initialisation, seed));
}

/** @throws UsageError if the configuration is invalid. */
export function parseMatcherConfig(given: MatcherConfig): MatcherConfig {
  const parsed = matcherConfigSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
  throw new UsageError({
    action: 'create a matcher',
    expected: `a usable value for "${path.join('.')}"`,
    found: message,
    remedy: `Architectures are ${ARCHITECTURES.names().join(', ')}; docs/training.md says what each takes.`,
    cause: parsed.error,
  });
}

/** A matcher whose tensors are given, each of its spec's shape; they become the matcher's own. */
export function matcherFrom(config: MatcherConfig, initial: (spec: ParameterSpec) => tf.Tensor): Matcher {
  const architecture = ARCHITECTURES.get(config.preset);
  const specs = parameterSpecs(config);
  const makeVariables = (some: ParameterSpec[]) =>
    new Map(some.map((spec) => [spec.name, variableOf(initial(spec), !isStatistic(spec))]));
  const parameters = makeVariables(specs.filter((spec) => !isStatistic(spec)));
  const statistics = makeVariables(specs.filter(isStatistic));
  const read = <R>(mode: MatcherMode, network: (layers: Layers<tf.Tensor>) => R): R => {
    if (!mode.training) return network(evaluationLayers(parameters, statistics));
    if (mode.frozen) return network(frozenLayers(parameters, statistics, mode, mode.processes));
    const { layers, moveStatistics } = trainingLayers(parameters, statistics, mode, mode.processes);
    const result = network(layers);
    moveStatistics();
    return result;
  };
  return {
    config,
    parameters,
    statistics,
    weightNames: specs.filter(({ kind }) => kind === 'weight').map(({ name }) => name),
    logits: (sar, optical, mode, pairing, memory) =>
      read(mode, (layers) =>
        memory && pairing
          ? joinedWith(memory, layers, requireTowers(architecture), { sar, optical, config, pairing, mode })
          : architecture.logits<tf.Tensor>(layers, sar, optical, config, pairing),
      ) as tf.Tensor2D,
    remember: (sar, frozen) =>
      tf.tidy(() => {
        const noise = { seed: 0, step: 0 };
        const layers = frozen ? frozenLayers(parameters, statistics, noise) : evaluationLayers(parameters, statistics);
        return requireTowers(architecture).tower<tf.Tensor>(layers, 'sar', sar, config) as tf.Tensor4D;
      }),
    localise(templates, windows, mode) {
      const { terms, similarity } = requireLocalisation(architecture);
      const parameter = (name: string) => parameters.get(name) as tf.Tensor as tf.Tensor1D;
      return {
        terms: read(mode, (layers) => terms<tf.Tensor>(layers, templates, windows, config)),
        similarity: { logScale: parameter(similarity.logScale), midpoint: parameter(similarity.midpoint) },
      };
    },
    dispose: () => tf.dispose([...parameters.values(), ...statistics.values()]),
  };
}

interface PairInputs {
  sar: tf.Tensor;
  optical: tf.Tensor;
  config: MatcherConfig;
  pairing: Pairing;
  mode: MatcherMode;
}

/** Logits of pairs whose SAR maps come from the batch or from a memory. */
function joinedWith(
  memory: tf.Tensor4D,
  layers: Layers<tf.Tensor>,
  { tower, join }: Towers,
  { sar, optical, config, pairing, mode }: PairInputs,
): tf.Tensor {
  const own = tower(layers, 'sar', sar, config) as tf.Tensor4D;
  // Of many processes each has the whole memory.
  const ofBatch = mode.training && mode.processes ? gatherRows(own, mode.processes.communicator) : own;
  const o = tower(layers, 'optical', optical, config);
  const met = takeRows(tf.concat([ofBatch, memory], 0), pairing.sar);
  return join(layers, met, layers.rows(o, pairing.optical), config);
}

function requireTowers({ name, towers }: Architecture): Towers {
  if (towers) return towers;
  throw new UsageError({
    action: `keep a memory of SAR patches for ${name}`,
    expected: 'an architecture with a stream for each sensor',
    found: 'one that both patches enter together',
    remedy: 'Use the preset paper-bn.',
  });
}

function requireLocalisation({ name, localisation }: Architecture): Localisation {
  if (localisation) return localisation;
  throw new UsageError({
    action: `find templates in windows by ${name}`,
    expected: 'an architecture of dense cells',
    found: `one that compares whole patches`,
    remedy: 'Use the preset dense.',
  });
}

function variableOf(value: tf.Tensor, trainable: boolean): tf.Variable {
  const variable = tf.variable(value, trainable);
  value.dispose();
  return variable;
}
