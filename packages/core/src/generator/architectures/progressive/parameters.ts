/** Tensors of the progressive networks: their names and shapes by side, and the configuration that they follow from. */
import { z } from 'zod';
import { type GeneratorParameterSpec, NETWORKS, type Network, type NetworksConfig } from '../../architecture.ts';

export interface ProgressiveConfig extends NetworksConfig {
  /** Patch side length at full resolution, in pixels: a power of 2, at least 8. */
  side: number;
  /** Numbers in a latent code. */
  latent: number;
  /** A map of side r has min(2·base/r, max) channels. */
  channels: { base: number; max: number };
}

const MIN_SIDE = 8;
const MAX_SIDE = 1024;
/** Side of the smallest maps, where growth starts. */
const FIRST_SIDE = 4;

const sides = Array.from({ length: Math.log2(MAX_SIDE / MIN_SIDE) + 1 }, (_, i) => MIN_SIDE * 2 ** i);

/** @param defaults for fields that are missing; absent: none may be. */
export function progressiveConfig(defaults: Partial<ProgressiveConfig> = {}): z.ZodType<ProgressiveConfig> {
  const filled = (given: unknown) => (typeof given === 'object' ? { ...defaults, ...given } : given);
  return z
    .preprocess(
      filled,
      z.strictObject({
        side: z.literal(sides),
        latent: z.int().min(1),
        channels: z.strictObject({ base: z.int().min(1), max: z.int().min(1) }),
      }),
    )
    .refine((config) => channelsAt(config, config.side) >= 1, {
      path: ['channels', 'base'],
      message: 'leaves a level without channels',
    });
}

/** Channels of the maps of a side. */
export function channelsAt({ channels: { base, max } }: Pick<ProgressiveConfig, 'channels'>, side: number): number {
  return Math.min(Math.floor((2 * base) / side), max);
}

/** Stages of growth: stage k works at side 4·2^k, the last one at full resolution. */
export function stageCount({ side }: Pick<ProgressiveConfig, 'side'>): number {
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

function decoderLayers(config: ProgressiveConfig): Layer[] {
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
function downLayers(config: ProgressiveConfig, outputs: number, extra: number): Layer[] {
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

/** Tensors of a generator of this configuration, in the order of a checkpoint. */
export function parameterSpecs(config: ProgressiveConfig): GeneratorParameterSpec[] {
  const layersOf: Record<Network, Layer[]> = {
    encoder: downLayers(config, 2 * config.latent, 0),
    decoder: decoderLayers(config),
    critic: downLayers(config, 1, 1),
    average: decoderLayers(config),
    speckle: [],
  };
  return NETWORKS.flatMap((network) =>
    layersOf[network].map(([name, shape]) => ({ name: `${network}.${name}`, network, shape, ...usedFrom(name) })),
  );
}

/** Smallest side at which a layer is used: that in the names of convolutions. */
function usedFrom(layer: string): Pick<GeneratorParameterSpec, 'usedFrom'> {
  const side = /^(?:conv|gray)(\d+)/.exec(layer)?.[1];
  return side === undefined ? {} : { usedFrom: Number(side) };
}
