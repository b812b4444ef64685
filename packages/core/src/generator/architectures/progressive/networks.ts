/**
 * Encoder, decoder and critic as functions of their parameters, at any stage of growth.
 *
 * Stage k works on patches of side 4·2^k. While alpha < 1 its newest level is faded in: the result is
 * (1 − alpha) · the network without that level + alpha · the network with it. At the last stage with alpha = 1 these are
 * the full networks. Karras et al., Progressive Growing of GANs (ICLR 2018), §2 to §4 and appendix A:
 *
 * - weights are drawn from N(0, 1) and scaled by gain/√(fan in) whenever they are used (equalised learning rate)
 * - LeakyReLU 0.2; pixel normalisation in the decoder; minibatch deviation in the critic, over groups of 4
 *
 * Parameters are named `<network>.<layer>.<filter | kernel | bias>`; see `parameterSpecs`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Activation, avgPool, conv2d, minibatchStddev, pixelNorm, upsampleNearest } from '../../../ops/ops.ts';
import type { Growth, NetworkOptions, Parameters, Wanted } from '../../architecture.ts';
import { sideAt } from './parameters.ts';

export const MINIBATCH_GROUP = 4;
const SLOPE = 0.2;
const FIRST_SIDE = 4;
/** He's gain, for what a LeakyReLU follows. */
const RECTIFIED = Math.SQRT2;

interface LayerOptions {
  gain?: number;
  activation?: Activation;
  /** The first of its network. */
  isInput?: boolean;
}

/** Layers of one network. */
class Layers {
  private readonly parameters: Parameters;
  private readonly network: string;
  private readonly wanted: Wanted;

  constructor(parameters: Parameters, wanted: Wanted) {
    const [first] = parameters.keys();
    this.parameters = parameters;
    this.network = first?.split('.')[0] ?? 'generator';
    this.wanted = wanted;
  }

  tensor<T extends tf.Tensor>(name: string): T {
    const tensor = this.parameters.get(`${this.network}.${name}`);
    if (!tensor) throw new Error(`the ${this.network} has no tensor "${name}"`);
    return tensor as T;
  }

  /** A convolution of stride 1 with bias: [n, h, w, ci] → [n, h, w, co]. */
  conv(name: string, x: tf.Tensor4D, options: LayerOptions = {}): tf.Tensor4D {
    return this.apply(this.tensor(`${name}.filter`), name, x, options);
  }

  /** [n, ci] → [n, co], as a convolution of single pixels, which can be differentiated twice. */
  dense(name: string, x: tf.Tensor2D, options: LayerOptions = {}): tf.Tensor2D {
    const kernel = this.tensor<tf.Tensor2D>(`${name}.kernel`);
    const [from, to] = kernel.shape;
    const pixels = tf.reshape(x, [x.shape[0], 1, 1, from]) as tf.Tensor4D;
    return tf.reshape(this.apply(tf.reshape(kernel, [1, 1, from, to]), name, pixels, options), [x.shape[0], to]);
  }

  private apply(filter: tf.Tensor4D, name: string, x: tf.Tensor4D, options: LayerOptions): tf.Tensor4D {
    const { gain = RECTIFIED, activation = 'leakyrelu', isInput = false } = options;
    const [height, width, from] = filter.shape;
    return conv2d(x, tf.mul(filter, gain / Math.sqrt(height * width * from)), this.tensor(`${name}.bias`), {
      activation,
      leakyreluAlpha: SLOPE,
      inputGradient: !(isInput && this.wanted === 'parameters'),
      gradientsApart: this.wanted === 'input',
    });
  }
}

function fade<T extends tf.Tensor>(before: () => T, after: () => T, { stage, alpha }: Growth): T {
  if (stage === 0 || alpha >= 1) return after();
  if (alpha <= 0) return before();
  return tf.add(tf.mul(before(), 1 - alpha), tf.mul(after(), alpha));
}

/** Codes z [n, latent] → patches [n, side, side, 1]. Takes the parameters of the decoder or of its average. */
export function decode(parameters: Parameters, z: tf.Tensor2D, options: NetworkOptions): tf.Tensor4D {
  const { stage, wanted = 'both' } = options;
  const layers = new Layers(parameters, wanted);
  const conv = (name: string, x: tf.Tensor4D) => pixelNorm(layers.conv(name, x));
  const gray = (at: number, x: tf.Tensor4D) => layers.conv(`gray${sideAt(at)}`, x, { gain: 1, activation: 'linear' });

  const flat = layers.dense('dense', pixelNorm(z), { gain: RECTIFIED / 4, isInput: true });
  const seed = tf.reshape(flat, [z.shape[0], FIRST_SIDE, FIRST_SIDE, -1]) as tf.Tensor4D;
  let maps = conv('conv4', pixelNorm(seed));
  const grow = (at: number, x: tf.Tensor4D) =>
    conv(`conv${sideAt(at)}b`, conv(`conv${sideAt(at)}a`, upsampleNearest(x)));
  for (let at = 1; at < stage; at++) maps = grow(at, maps);
  return fade(
    () => upsampleNearest(gray(stage - 1, maps)),
    () => gray(stage, stage === 0 ? maps : grow(stage, maps)),
    options,
  );
}

/** Encoder and critic up to the 4×4 maps: patches [n, side, side, 1] → [n, 4, 4, c]. */
function shrink(layers: Layers, x: tf.Tensor4D, growth: Growth): tf.Tensor4D {
  const gray = (at: number, patches: tf.Tensor4D) => layers.conv(`gray${sideAt(at)}`, patches, { isInput: true });
  const halve = (at: number, maps: tf.Tensor4D) =>
    avgPool(layers.conv(`conv${sideAt(at)}b`, layers.conv(`conv${sideAt(at)}a`, maps)));
  const { stage } = growth;
  if (stage === 0) return gray(0, x);
  let maps = fade(
    () => gray(stage - 1, avgPool(x)),
    () => halve(stage, gray(stage, x)),
    growth,
  );
  for (let at = stage - 1; at > 0; at--) maps = halve(at, maps);
  return maps;
}

/** Ends in the last convolution and the two dense layers: [n, 4, 4, c] → [n, outputs]. */
function conclude(layers: Layers, maps: tf.Tensor4D): tf.Tensor2D {
  const flat = tf.reshape(layers.conv('conv4', maps), [maps.shape[0], -1]) as tf.Tensor2D;
  return layers.dense('dense2', layers.dense('dense1', flat), { gain: 1, activation: 'linear' });
}

/** Patches x [n, side, side, 1] → mean and log variance of their codes, each [n, latent]. */
export function encode(
  parameters: Parameters,
  x: tf.Tensor4D,
  options: NetworkOptions,
): { mu: tf.Tensor2D; logvar: tf.Tensor2D } {
  const layers = new Layers(parameters, options.wanted ?? 'both');
  const [mu, logvar] = tf.split(conclude(layers, shrink(layers, x, options)), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  return { mu, logvar };
}

/** Patches x [n, side, side, 1], n a multiple of 4, → [n], higher for what looks real. Twice differentiable. */
export function criticise(parameters: Parameters, x: tf.Tensor4D, options: NetworkOptions): tf.Tensor1D {
  const layers = new Layers(parameters, options.wanted ?? 'both');
  const maps = minibatchStddev(shrink(layers, x, options), { groupSize: MINIBATCH_GROUP });
  return tf.reshape(conclude(layers, maps), [x.shape[0]]);
}
