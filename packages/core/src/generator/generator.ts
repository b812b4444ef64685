/** Generators of any architecture: made with fresh weights, or from given tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { UsageError } from '../errors.ts';
import { type Moments, zeroMomentsOf } from '../runs/moments.ts';
import { describeIssues } from '../runs/settings.ts';
import {
  type Generator,
  type GeneratorParameterSpec,
  NETWORKS,
  type Network,
  type NetworksConfig,
  TRAINED_NETWORKS,
} from './architecture.ts';
import { DEFAULT_GENERATOR, GENERATORS } from './architectures.ts';

/** Networks that a generator is made of: a preset's, with some fields changed. */
export interface GeneratorOptions {
  /** Default: `small`. */
  preset?: string;
  seed: number;
  [field: string]: unknown;
}

/** Makes a generator with fresh weights, the same for the same seed on every backend. @throws UsageError as `parseNetworks`. */
export function createGenerator({ preset = DEFAULT_GENERATOR, seed, ...fields }: GeneratorOptions): Generator {
  const { initial } = GENERATORS.get(preset);
  return generatorFrom(preset, parseNetworks(preset, fields), (spec) => initial(spec, seed));
}

/** Fields of networks, missing ones filled. @throws UsageError if the preset or a field is invalid. */
export function parseNetworks(preset: string, fields: unknown): NetworksConfig {
  const parsed = GENERATORS.get(preset).networks.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw new UsageError({
    ...{ action: `make a generator ${preset}`, ...describeIssues(parsed.error) },
    remedy: 'docs/generator.md lists the fields of its networks.',
    cause: parsed.error,
  });
}

/** Makes a generator from given tensors, each of its spec's shape; they become the generator's own. */
export function generatorFrom(
  preset: string,
  config: NetworksConfig,
  take: (spec: GeneratorParameterSpec) => tf.Tensor,
): Generator {
  const networks = Object.fromEntries(NETWORKS.map((network) => [network, new Map()])) as Record<
    Network,
    Map<string, tf.Variable>
  >;
  for (const spec of GENERATORS.get(preset).parameters(config)) {
    const value = take(spec);
    networks[spec.network].set(
      spec.name,
      tf.variable(
        value,
        TRAINED_NETWORKS.some((each) => each === spec.network),
      ),
    );
    value.dispose();
  }
  return {
    ...{ preset, config },
    ...networks,
    dispose: () => tf.dispose(NETWORKS.flatMap((network) => [...networks[network].values()])),
  };
}

/** Numbers in a latent code. */
export const latentSize = ({ preset, config }: Pick<Generator, 'preset' | 'config'>): number =>
  tf.util.sizeFromShape(GENERATORS.get(preset).latentShape(config));

/** Zero moments of Adam, for all networks that are trained. */
export const zeroGeneratorMoments = (generator: Generator): Moments =>
  zeroMomentsOf(TRAINED_NETWORKS.flatMap((network) => [...generator[network]]));
