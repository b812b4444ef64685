/**
 * Networks of `spatial`: an encoder to a small map of codes, and a decoder to the ground without its speckle.
 *
 * A code is a map [side/8, side/8, cell], so that what a cell changes stays where it is. The encoder halves three times
 * (4 × 4, stride 2), the decoder doubles three times (nearest, 3 × 3); each level has a residual block x + b(act(a(x))).
 * LeakyReLU 0.2, no normalisation. The decoder's head gives two maps: the log amplitude r of the reflectivity in
 * standardised units, and the logarithm of the standard deviation of speckle around it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type Activation, conv2d, upsampleNearest } from '../../../ops/ops.ts';
import {
  type GeneratorParameterSpec,
  NETWORKS,
  type Network,
  type NetworkOptions,
  type NetworksConfig,
  type Parameters,
} from '../../architecture.ts';
import { speckleLayers } from './speckle_layers.ts';

export interface SpatialConfig extends NetworksConfig {
  /** Patch side length in pixels: a multiple of 8. */
  side: number;
  /** Numbers in a cell of the code. */
  cell: number;
  /** Channels at a half, a quarter and an eighth of the side. */
  channels: [number, number, number];
  /** Channels of the decoder at the full side. */
  detail: number;
  /** Standard deviation in dB that patches were standardised by: one unit of a patch. */
  decibels: number;
  /** Channels of the critic at half the side; absent: there is no critic. */
  critic?: number | undefined;
}

/** Pixels of a patch along the side of a code's cell. */
export const CELL_PIXELS = 8;

export const DEFAULT_NETWORKS: SpatialConfig = { side: 64, cell: 4, channels: [32, 48, 64], detail: 16, decibels: 4 };

const count = z.int().min(1);

export const spatialConfig: z.ZodType<SpatialConfig> = z.preprocess(
  (given) => (typeof given === 'object' ? { ...DEFAULT_NETWORKS, ...given } : given),
  z.strictObject({
    side: z
      .int()
      .min(CELL_PIXELS)
      .refine((side) => side % CELL_PIXELS === 0, `must be a multiple of ${CELL_PIXELS}`),
    ...{ cell: count, channels: z.tuple([count, count, count]), detail: count, decibels: z.number().positive() },
    critic: count.optional(),
  }),
);

export const latentShape = ({ side, cell }: SpatialConfig): [number, number, number] => [
  side / CELL_PIXELS,
  side / CELL_PIXELS,
  cell,
];

/** Name (within its network) and shape of a layer's filter. */
type Filter = [name: string, shape: [number, number, number, number]];

const block = (at: number, channels: number): Filter[] => [
  [`block${at}a`, [3, 3, channels, channels]],
  [`block${at}b`, [3, 3, channels, channels]],
];

function encoderFilters({ cell, channels }: SpatialConfig): Filter[] {
  const levels = channels.flatMap((to, i): Filter[] => {
    const at = 2 << i;
    return [[`down${at}`, [4, 4, channels[i - 1] ?? 1, to]], ...block(at, to)];
  });
  return [...levels, ['code', [3, 3, channels[2], 2 * cell]]];
}

function decoderFilters({ cell, channels: [half, quarter, eighth], detail }: SpatialConfig): Filter[] {
  return [
    ['seed', [3, 3, cell, eighth]],
    ...block(8, eighth),
    ['up4', [3, 3, eighth, quarter]],
    ...block(4, quarter),
    ['up2', [3, 3, quarter, half]],
    ...block(2, half),
    ['up1', [3, 3, half, detail]],
    ['head', [3, 3, detail, 2]],
  ];
}

function criticFilters({ critic }: SpatialConfig): Filter[] {
  if (critic === undefined) return [];
  return [
    ['down2', [4, 4, 1, critic]],
    ['down4', [4, 4, critic, 2 * critic]],
    ['down8', [4, 4, 2 * critic, 2 * critic]],
    ['score', [3, 3, 2 * critic, 1]],
  ];
}

/** Tensors of a generator of this configuration, in the order of a checkpoint. */
export function parameterSpecs(config: SpatialConfig): GeneratorParameterSpec[] {
  const layersOf: Record<Network, [string, number[]][]> = {
    encoder: encoderFilters(config).flatMap(biased),
    decoder: decoderFilters(config).flatMap(biased),
    critic: criticFilters(config).flatMap(biased),
    average: decoderFilters(config).flatMap(biased),
    speckle: speckleLayers(config),
  };
  return NETWORKS.flatMap((network) =>
    layersOf[network].map(([name, shape]) => ({ name: `${network}.${name}`, network, shape })),
  );
}

const biased = ([name, shape]: Filter): [string, number[]][] => [
  [`${name}.filter`, shape],
  [`${name}.bias`, shape.slice(-1)],
];

/** Layers of one network. */
class Layers {
  private readonly parameters: Parameters;
  private readonly network: string;
  private readonly options: { inputGradient: boolean; gradientsApart: boolean };

  constructor(parameters: Parameters, { wanted = 'both' }: Partial<NetworkOptions>) {
    const [first] = parameters.keys();
    this.parameters = parameters;
    this.network = first?.split('.')[0] ?? 'generator';
    this.options = { inputGradient: wanted !== 'parameters', gradientsApart: wanted === 'input' };
  }

  conv(name: string, x: tf.Tensor4D, { activation = 'leakyrelu', strides = 1, isInput = false }: ConvOptions = {}) {
    const { inputGradient, gradientsApart } = this.options;
    return conv2d(x, this.tensor(`${name}.filter`), this.tensor(`${name}.bias`), {
      // Rounding moves a LeakyReLU by little across its kink, and Winograd saves a third of the step.
      ...{ strides, activation, leakyreluAlpha: 0.2, gradientsApart, exact: false },
      inputGradient: inputGradient || !isInput,
    });
  }

  block(at: number, x: tf.Tensor4D): tf.Tensor4D {
    return tf.add(x, this.conv(`block${at}b`, this.conv(`block${at}a`, x), { activation: 'linear' }));
  }

  private tensor<T extends tf.Tensor>(name: string): T {
    const tensor = this.parameters.get(`${this.network}.${name}`);
    if (!tensor) throw new Error(`the ${this.network} has no tensor "${name}"`);
    return tensor as T;
  }
}

interface ConvOptions {
  activation?: Activation;
  strides?: number;
  /** The first of its network. */
  isInput?: boolean;
}

/** Codes at zero and deviations of e⁻¹, roughly where training ends: logvar = 2·(raw − 1). */
const LOG_DEVIATION = -1;

/** Patches [n, side, side, 1] → mean and log variance of their codes, each [n, cells · cell]. */
export function encode(
  parameters: Parameters,
  x: tf.Tensor4D,
  options: Partial<NetworkOptions>,
): { mu: tf.Tensor2D; logvar: tf.Tensor2D } {
  const layers = new Layers(parameters, options);
  let maps = x;
  for (const at of [2, 4, 8])
    maps = layers.block(at, layers.conv(`down${at}`, maps, { strides: 2, isInput: at === 2 }));
  const [mu, raw] = tf.split(layers.conv('code', maps, { activation: 'linear' }), 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  const flat = (codes: tf.Tensor4D) => tf.reshape(codes, [x.shape[0], -1]) as tf.Tensor2D;
  return { mu: flat(mu), logvar: tf.mul(tf.add(flat(raw), LOG_DEVIATION), 2) };
}

/** Speckle-free ground that codes stand for, and the strength of speckle on it. */
export interface Ground {
  /** Log amplitude of the reflectivity, standardised as patches are: [n, side, side, 1]. */
  reflectivity: tf.Tensor4D;
  /** Logarithm of the standard deviation of speckle in standardised log amplitude: [n, side, side, 1]. */
  logDeviation: tf.Tensor4D;
}

/** Codes [n, cells · cell] → their ground. Takes the parameters of the decoder or of its average. */
export function decodeGround(parameters: Parameters, z: tf.Tensor2D, options: Partial<NetworkOptions>): Ground {
  const layers = new Layers(parameters, options);
  const cell = [...parameters.values()][0]!.shape[2]!;
  const cells = Math.sqrt(z.shape[1] / cell);
  const codes = tf.reshape(z, [z.shape[0], cells, cells, cell]) as tf.Tensor4D;
  let maps = layers.block(8, layers.conv('seed', codes, { isInput: true }));
  for (const at of [4, 2]) maps = layers.block(at, layers.conv(`up${at}`, upsampleNearest(maps)));
  const full = layers.conv('up1', upsampleNearest(maps));
  const [reflectivity, raw] = tf.split(layers.conv('head', full, { activation: 'linear' }), 2, 3) as tf.Tensor4D[];
  return { reflectivity: reflectivity!, logDeviation: tf.sub(raw!, 0.5) };
}

/** Patches [n, side, side, 1] → scores of their neighbourhoods, above 0 for real ones: [n, side/8, side/8, 1]. */
export function criticise(parameters: Parameters, x: tf.Tensor4D, options: Partial<NetworkOptions>): tf.Tensor4D {
  const layers = new Layers(parameters, options);
  let maps = x;
  for (const at of [2, 4, 8]) maps = layers.conv(`down${at}`, maps, { strides: 2, isInput: at === 2 });
  return layers.conv('score', maps, { activation: 'linear' });
}
