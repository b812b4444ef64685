/**
 * The vocabulary that architectures are written in, generic over what flows through it. One definition of a network is
 * then read in several ways: by tensors in training, in evaluation and folded for scoring (tensor_layers.ts), and by
 * sizes alone to list parameters and count arithmetic (network_layers.ts).
 *
 * Maps are [N, height, width, channels], rows [N, channels].
 */
import type { Activation } from '../ops/ops.ts';

export interface ConvOptions {
  /** Output channels. */
  channels: number;
  /** Side of the filter in pixels; default 3. */
  size?: number;
  /** Default 1. */
  strides?: number;
  /** Distance of neighbouring taps of the filter in pixels; default 1. */
  dilations?: number;
  /** Batch normalisation between convolution and activation, in place of a bias; default: a bias. */
  batchNorm?: boolean;
  /** Default `relu`. */
  activation?: Activation;
  /** False: the forward pass of training may round a little more where it is faster so (1e-6). Default true. */
  exact?: boolean;
  /** Marks the first layer: its input is data, which needs no gradient. */
  isInput?: boolean;
}

export interface DenseOptions {
  /** Output channels. */
  channels: number;
  activation: Activation;
  /** Marks the layer that makes the logits. */
  isOutput?: boolean;
}

/** The input channels of a convolution over two concatenated maps that come from one of them. */
export type Half = 'first' | 'second';

export interface Layers<T> {
  /**
   * Convolution with "same" padding, then bias or batch normalisation, then activation: → [N, ⌈h/strides⌉, ⌈w/strides⌉,
   * channels].
   */
  conv(name: string, x: T, options: ConvOptions): T;
  /**
   * What one map adds to a convolution over two concatenated ones, before normalisation and activation. A convolution
   * of a concatenation is a sum, conv([a, b], f) = conv(a, f_a) + conv(b, f_b), so each term is computed once for all
   * pairs.
   */
  halfConv(name: string, x: T, half: Half, options: ConvOptions): T;
  /** The rest of that convolution: sum of both halves, bias or batch normalisation, activation. */
  sumHalves(name: string, first: T, second: T, options: ConvOptions): T;
  /** [N, c] → [N, channels] */
  dense(name: string, x: T, options: DenseOptions): T;
  /** Zeroes a share `rate` of the elements in training; identity at scoring. */
  dropout(x: T, rate: number): T;
  /** 2×2 maxima: [N, h, w, c] → [N, ⌊h/2⌋, ⌊w/2⌋, c] */
  maxPool(x: T): T;
  /** Concatenation along the last axis, the channels. */
  concat(parts: readonly T[]): T;
  /** Mean over positions: [N, h, w, c] → [N, c] */
  mean(x: T): T;
  /** Maximum over positions: [N, h, w, c] → [N, c] */
  max(x: T): T;
  /** [N, h, w, c] → [N, h·w·c] */
  flatten(x: T): T;
  /** Rows of maps by index: [n, …] → [rows, …] */
  rows(x: T, rows: readonly number[]): T;
  /** Sum of two maps of one shape. */
  add(a: T, b: T): T;
  /** Bilinear enlargement to the height and width of another map. */
  upsample(x: T, like: T): T;
  /** Unit length of each cell: [N, h, w, c] → [N, h, w, c] */
  unit(x: T): T;
  /**
   * Mean cosine of templates at every place in windows: unit cells [T, h, w, c] and [W, H, V, c] → [T, W, H−h+1, V−w+1].
   */
  correlate(templates: T, windows: T): T;
  /**
   * Largest mean cosine of unit cells [N, h, w, c] of both sensors, displaced by up to `reach` cells: → [N]. One side may
   * have a single row, which then meets every row of the other.
   */
  peak(sar: T, optical: T, reach: number): T;
  /** A similarity as logits: [N] → [N, 2], (0, e^s · (x − c)) with learned s and c. */
  scaledLogits(name: string, x: T): T;
}
