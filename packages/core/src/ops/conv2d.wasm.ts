/**
 * DoppelConv2D on `wasm`, composed of the kernels that tfjs's wasm backend does well.
 *
 * It has no filter gradient, and its input gradient is a slow loop (4 against 37 GFLOP/s of its convolution on the
 * machine of bench/NOTES.md). Both are convolutions of rearranged tensors:
 *
 *   dx      = g dilated by the stride ∗ the filter turned by 180° with its channels swapped
 *   dfilter = xᵀ [ci, h, w, n] ∗ gᵀ [oh, ow, n, co], dilated by the stride → [ci, kh, kw, co]
 *
 * and the bias's gradient is an average pooling over the whole plane, its fastest sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fillOnHeap } from '../backends/heap.ts';
import { type Activation, activationGradient } from './activation.ts';
import {
  type Conv2DAttributes,
  type Conv2DBackpropAttributes,
  type Conv2DBackpropInputs,
  type Conv2DInputs,
  convInfo,
} from './conv2d.ts';
import { runKernel } from './kernel.ts';

type Padding = readonly [top: number, bottom: number, left: number, right: number];

interface RawConvolution {
  pad: Padding;
  strides?: number;
  dilations?: number;
  activation?: Activation;
  leakyreluAlpha?: number;
}

/** The backend's own kernel: bias and activation fused, any padding, dilation. */
function convolve(x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor | undefined, options: RawConvolution): tf.Tensor {
  const { pad, strides = 1, dilations = 1, activation = 'linear', leakyreluAlpha = 0.2 } = options;
  const explicit = [
    [0, 0],
    [pad[0], pad[1]],
    [pad[2], pad[3]],
    [0, 0],
  ];
  const attrs = { strides: [strides, strides], pad: explicit, dataFormat: 'NHWC', dilations: [dilations, dilations] };
  if (!bias && activation === 'linear') return runKernel('Conv2D', { x, filter }, attrs);
  const fused = { ...attrs, activation, leakyreluAlpha };
  const zero = bias ?? tf.zeros([filter.shape[3]!]);
  return runKernel('FusedConv2D', { x, filter, bias: zero }, fused);
}

export function conv2dWasm({ x, filter, bias }: Conv2DInputs, attrs: Conv2DAttributes): tf.Tensor {
  const { activation, leakyreluAlpha, strides } = attrs;
  const { top, bottom, left, right } = convInfo(x.shape, filter.shape, attrs).padInfo;
  // Never "same" by name: the backend pads wrongly where the stride is larger than the filter.
  return convolve(x, filter, bias, { pad: [top, bottom, left, right], strides, activation, leakyreluAlpha });
}

export function conv2dBackpropWasm(
  { dy, x, filter, y }: Conv2DBackpropInputs,
  attrs: Conv2DBackpropAttributes,
): tf.Tensor[] {
  const g = activationGradient(dy, y, attrs);
  const gradients = {
    dx: () => inputGradient(g, filter, x.shape, attrs),
    dfilter: () => filterGradient(x, g, filter.shape, attrs),
    dbias: () => channelSum(g),
  };
  return attrs.outputs.map((name) => tf.tidy(gradients[name]));
}

function inputGradient(g: tf.Tensor4D, filter: tf.Tensor4D, xShape: number[], attrs: Conv2DAttributes): tf.Tensor {
  const { padInfo, filterHeight, filterWidth, inHeight, inWidth } = convInfo(xShape, filter.shape, attrs);
  const spread = attrs.strides === 1 ? g : dilate(g, attrs.strides);
  const top = filterHeight - 1 - padInfo.top;
  const left = filterWidth - 1 - padInfo.left;
  const bottom = inHeight + filterHeight - 1 - spread.shape[1]! - top;
  const right = inWidth + filterWidth - 1 - spread.shape[2]! - left;
  return convolve(spread, turnFilter(filter), undefined, { pad: [top, bottom, left, right] });
}

/** Zeros between the elements: [n, h, w, c] → [n, (h − 1)·s + 1, (w − 1)·s + 1, c]. */
function dilate(g: tf.Tensor4D, stride: number): tf.Tensor {
  const [n, h, w, c] = g.shape;
  const [tall, wide] = [(h - 1) * stride + 1, (w - 1) * stride + 1];
  return fillOnHeap([g], [n, tall, wide, c], (out, data) => {
    out.fill(0);
    for (let row = 0, from = 0; row < n * h; row++) {
      const top = Math.floor(row / h) * tall + (row % h) * stride;
      for (let col = 0; col < w; col++, from += c) {
        out.set(data.subarray(from, from + c), (top * wide + col * stride) * c);
      }
    }
  });
}

/** [kh, kw, ci, co] turned by 180° in the plane, channels swapped: [kh, kw, co, ci]. */
function turnFilter(filter: tf.Tensor4D): tf.Tensor {
  const [kh, kw, ci, co] = filter.shape;
  return fillOnHeap([filter], [kh, kw, co, ci], (out, data) => {
    for (let tap = 0; tap < kh * kw; tap++) {
      const [from, to] = [tap * ci * co, (kh * kw - 1 - tap) * ci * co];
      for (let i = 0; i < ci; i++) {
        for (let o = 0; o < co; o++) out[to + o * ci + i] = data[from + i * co + o]!;
      }
    }
  });
}

function filterGradient(x: tf.Tensor4D, g: tf.Tensor4D, filterShape: number[], attrs: Conv2DAttributes): tf.Tensor {
  const { strides } = attrs;
  const { padInfo, filterHeight, filterWidth, outHeight, outWidth } = convInfo(x.shape, filterShape, attrs);
  // Rows and columns that the dilated g must cover so that kh × kw positions come out; fewer than x where the
  // stride leaves some of x unread.
  const bottom = filterHeight - 1 + (outHeight - 1) * strides + 1 - x.shape[1] - padInfo.top;
  const right = filterWidth - 1 + (outWidth - 1) * strides + 1 - x.shape[2] - padInfo.left;
  const read = bottom < 0 || right < 0 ? cropEnd(x, Math.min(bottom, 0), Math.min(right, 0)) : x;
  const gradient = convolve(batchInnermost(read), tf.transpose(g, [1, 2, 0, 3]), undefined, {
    pad: [padInfo.top, Math.max(bottom, 0), padInfo.left, Math.max(right, 0)],
    dilations: strides,
  });
  return tf.transpose(gradient, [1, 2, 0, 3]); // [ci, kh, kw, co] → [kh, kw, ci, co]
}

function cropEnd(x: tf.Tensor4D, bottom: number, right: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return tf.slice(x, [0, 0, 0, 0], [n, h + bottom, w + right, c]);
}

/** [n, h, w, c] → [c, h, w, n], in two transpositions that move whole runs: three times faster than one. */
function batchInnermost(x: tf.Tensor4D): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  if (n === 1 || c === 1) return tf.transpose(x, [3, 1, 2, 0]);
  const turned = tf.transpose(tf.reshape(x, [n, h * w * c])); // [h·w·c, n]
  return tf.reshape(tf.transpose(tf.reshape(turned, [h * w, c, n]), [1, 0, 2]), [c, h, w, n]);
}

/** Sum over all but the channels: [n, h, w, c] → [c]. */
export function channelSum(x: tf.Tensor4D): tf.Tensor {
  const [, h, w] = x.shape;
  return tf.mul(tf.sum(tf.avgPool(x, [h, w], 1, 'valid'), [0, 1, 2]), h * w);
}
