/**
 * The generative network: encoder, decoder and critic that are grown together, and an averaged copy of the decoder that
 * makes the patches. A variational auto-encoder trained adversarially on SAR patches, after Hughes, Schmitt and Zhu (Remote
 * Sensing 2018, 10(10):1552), on the progressive networks of Karras et al. (ICLR 2018).
 *
 * The networks themselves are in `generator/networks.ts`, a step of their training in `generator/step.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { philoxNormal } from '../base/philox.ts';
import { hash32 } from '../base/random.ts';

export interface GeneratorConfig {
  /** Of the patches at full resolution, in pixels: a power of 2, at least 8. */
  side: number;
  /** Numbers in a latent code. */
  latent: number;
  /** A map of side r has min(2·base/r, max) channels. */
  channels: { base: number; max: number };
}

export const GENERATOR_PRESETS = {
  /** As published. */
  paper: { side: 128, latent: 512, channels: { base: 8192, max: 512 } },
  /** What a CPU trains. */
  small: { side: 64, latent: 64, channels: { base: 1024, max: 64 } },
} as const satisfies Record<string, GeneratorConfig>;

export type GeneratorPreset = keyof typeof GENERATOR_PRESETS;

const MIN_SIDE = 8;
const MAX_SIDE = 1024;
/** Of the smallest maps, where growth starts. */
const FIRST_SIDE = 4;

const sides = Array.from({ length: Math.log2(MAX_SIDE / MIN_SIDE) + 1 }, (_, i) => MIN_SIDE * 2 ** i);

/** A preset, fields of one's own, or a preset with some fields changed; parses to all fields, without the preset's name. */
export const generatorConfigSchema = z
  .strictObject({
    preset: z.enum(['paper', 'small']).optional(),
    side: z.literal(sides).optional(),
    latent: z.int().min(1).optional(),
    channels: z.strictObject({ base: z.int().min(1), max: z.int().min(1) }).optional(),
  })
  .transform(({ preset, ...given }, context): GeneratorConfig => {
    const filled = { ...(preset ? GENERATOR_PRESETS[preset] : {}), ...given };
    for (const field of ['side', 'latent', 'channels'] as const) {
      if (filled[field] === undefined)
        context.addIssue({ code: 'custom', path: [field], message: 'missing, and there is no preset to take it from' });
    }
    const config = filled as GeneratorConfig;
    if (config.side && config.channels && channelsAt(config, config.side) < 1)
      context.addIssue({ code: 'custom', path: ['channels', 'base'], message: 'leaves a level without channels' });
    return config;
  });

export const NETWORKS = ['encoder', 'decoder', 'critic', 'average'] as const;
export type Network = (typeof NETWORKS)[number];

export interface GeneratorParameterSpec {
  /** `<network>.<layer>.<filter | kernel | bias>` */
  name: string;
  network: Network;
  /** Filters [height, width, in, out], kernels [in, out], biases [out]. */
  shape: number[];
}

export interface Generator {
  readonly config: GeneratorConfig;
  /** Patch → distribution of its code. */
  readonly encoder: ReadonlyMap<string, tf.Variable>;
  /** Code → patch. */
  readonly decoder: ReadonlyMap<string, tf.Variable>;
  /** Patch → how real it is. */
  readonly critic: ReadonlyMap<string, tf.Variable>;
  /** Moving average of the decoder, which generates. */
  readonly average: ReadonlyMap<string, tf.Variable>;
  dispose(): void;
}

/** Channels of the maps of a side. */
export function channelsAt({ channels: { base, max } }: Pick<GeneratorConfig, 'channels'>, side: number): number {
  return Math.min(Math.floor((2 * base) / side), max);
}

/** Stages of growth: stage k works at side 4·2^k, the last one at full resolution. */
export function stageCount({ side }: Pick<GeneratorConfig, 'side'>): number {
  return Math.log2(side / FIRST_SIDE) + 1;
}

/** Side of the patches at a stage, in pixels. */
export const sideAt = (stage: number): number => FIRST_SIDE * 2 ** stage;

/** Name (within its network) and shape of each tensor. */
type Layer = [name: string, shape: number[]];

const biased = (name: string, shape: number[]): Layer[] => [
  [`${name}.${shape.length === 4 ? 'filter' : 'kernel'}`, shape],
  [`${name}.bias`, shape.slice(-1)],
];

function decoderLayers(config: GeneratorConfig): Layer[] {
  const first = channelsAt(config, FIRST_SIDE);
  const layers = [
    ...biased('dense', [config.latent, FIRST_SIDE ** 2 * first]),
    ...biased('conv4', [3, 3, first, first]),
    ...biased('gray4', [1, 1, first, 1]),
  ];
  for (let side = 2 * FIRST_SIDE; side <= config.side; side *= 2) {
    const [from, to] = [channelsAt(config, side / 2), channelsAt(config, side)];
    layers.push(...biased(`conv${side}a`, [3, 3, from, to]), ...biased(`conv${side}b`, [3, 3, to, to]));
    layers.push(...biased(`gray${side}`, [1, 1, to, 1]));
  }
  return layers;
}

/** @param extra channels that are appended before the last convolution: the critic's minibatch deviation. */
function downLayers(config: GeneratorConfig, outputs: number, extra: number): Layer[] {
  const layers: Layer[] = [];
  for (let side = config.side; side > FIRST_SIDE; side /= 2) {
    const [from, to] = [channelsAt(config, side), channelsAt(config, side / 2)];
    layers.push(...biased(`gray${side}`, [1, 1, 1, from]));
    layers.push(...biased(`conv${side}a`, [3, 3, from, from]), ...biased(`conv${side}b`, [3, 3, from, to]));
  }
  const last = channelsAt(config, FIRST_SIDE);
  layers.push(...biased('gray4', [1, 1, 1, last]), ...biased('conv4', [3, 3, last + extra, last]));
  layers.push(...biased('dense1', [FIRST_SIDE ** 2 * last, last]), ...biased('dense2', [last, outputs]));
  return layers;
}

/** The tensors of a generator of this configuration, in the order of a checkpoint. */
export function parameterSpecs(config: GeneratorConfig): GeneratorParameterSpec[] {
  const layersOf: Record<Network, Layer[]> = {
    encoder: downLayers(config, 2 * config.latent, 0),
    decoder: decoderLayers(config),
    critic: downLayers(config, 1, 1),
    average: decoderLayers(config),
  };
  return NETWORKS.flatMap((network) =>
    layersOf[network].map(([name, shape]) => ({ name: `${network}.${name}`, network, shape })),
  );
}

/**
 * A generator with fresh weights, the same for the same seed on every backend: N(0, 1) for weights, which are scaled when
 * they are used, and 0 for biases. Throws ZodError for a configuration that is none.
 */
export function createGenerator({
  seed,
  ...given
}: z.input<typeof generatorConfigSchema> & { seed: number }): Generator {
  return generatorFrom(generatorConfigSchema.parse(given), ({ name, shape }) => {
    if (name.endsWith('.bias')) return tf.zeros(shape);
    // The averaged copy starts where the decoder does.
    const drawn = name.replace(/^average\./, 'decoder.');
    const draw = { seed: hash32(JSON.stringify([seed, 'initialisation', drawn])) >>> 0, offset: 0 };
    return tf.tensor(philoxNormal(tf.util.sizeFromShape(shape), draw), shape);
  });
}

/** A generator whose tensors are given, each of its spec's shape; they become the generator's own. */
export function generatorFrom(config: GeneratorConfig, take: (spec: GeneratorParameterSpec) => tf.Tensor): Generator {
  const networks = Object.fromEntries(
    NETWORKS.map((network) => [network, new Map<string, tf.Variable>()]),
  ) as unknown as Record<Network, Map<string, tf.Variable>>;
  for (const spec of parameterSpecs(config)) {
    const value = take(spec);
    networks[spec.network].set(spec.name, tf.variable(value, spec.network !== 'average'));
    value.dispose();
  }
  return {
    config,
    ...networks,
    dispose: () => tf.dispose(NETWORKS.flatMap((network) => [...networks[network].values()])),
  };
}
