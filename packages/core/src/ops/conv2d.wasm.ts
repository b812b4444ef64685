/**
 * DoppelConv2D on `wasm`, composed of the kernels that tfjs's wasm backend does well.
 *
 * It has no filter gradient, and its input gradient is a slow loop (4 against 37 GFLOP/s of its convolution on the
 * machine of bench/NOTES.md). Both are kernels of the backend on rearranged tensors:
 *
 *   dx      = g ∗ the filter turned by 180° with its channels swapped, phase by phase of the stride
 *   dfilter = a product of matrices, x shifted by each tap by g; for small planes and strides xᵀ ∗ gᵀ, with the batch and,
 *             at stride 1, the rows taken as channels: long inner products are what XNNPACK does best
 *
 * and the bias's gradient is an average pooling over the whole plane, its fastest sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Activation, activationGradient } from './activation.ts';
import {
  type Conv2DAttributes,
  type Conv2DBackpropAttributes,
  type Conv2DBackpropInputs,
  type Conv2DInputs,
  convInfo,
} from './conv2d.ts';
import { runKernel } from './kernel.ts';
import { fillOnHeap } from './wasm_heap.ts';

type Padding = readonly [top: number, bottom: number, left: number, right: number];

type ConvInfo = ReturnType<typeof convInfo>;

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
  const { activation, leakyreluAlpha, strides, dilations } = attrs;
  const { top, bottom, left, right } = convInfo(x.shape, filter.shape, attrs).padInfo;
  // Never "same" by name: the backend pads wrongly where the stride is larger than the filter.
  const pad = [top, bottom, left, right] as const;
  return convolve(x, filter, bias, { pad, strides, dilations, activation, leakyreluAlpha });
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

/**
 * With a stride s, the rows and columns of x fall into s × s phases, each of which meets its own taps only: a convolution
 * of stride 1 with every s-th tap. Nothing is multiplied by the zeros that would lie between the elements of g. A dilated
 * filter stays dilated.
 */
function inputGradient(g: tf.Tensor4D, filter: tf.Tensor4D, xShape: number[], attrs: Conv2DAttributes): tf.Tensor {
  const { strides: s, dilations } = attrs;
  const { padInfo, filterHeight, filterWidth, inHeight, inWidth } = convInfo(xShape, filter.shape, attrs);
  const [, outHeight, outWidth] = g.shape;
  const steps = { stride: s, dilation: dilations };
  const rows = phasesOf({ ...steps, pad: padInfo.top, taps: filterHeight, inputs: inHeight, outputs: outHeight });
  const columns = phasesOf({ ...steps, pad: padInfo.left, taps: filterWidth, inputs: inWidth, outputs: outWidth });
  const parts = rows.flatMap((row) => columns.map((column) => ({ row, column })));
  const gradients = parts.map(({ row, column }) => {
    const turned = turnFilter(filter, row, column, s);
    const read = cropEnd(g, Math.min(row.after, 0), Math.min(column.after, 0));
    const pad = [row.before, Math.max(row.after, 0), column.before, Math.max(column.after, 0)] as const;
    return convolve(read, turned, undefined, { pad, dilations });
  });
  if (s === 1) return gradients[0]!;
  return fillOnHeap(gradients, xShape, (dx, ...phases) => {
    dx.fill(0); // a phase without taps
    for (const [i, { row, column }] of parts.entries()) interleave(dx, phases[i]!, { xShape, row, column, stride: s });
  });
}

/** Along one axis: which inputs, which taps, and how much g must be padded (or, where negative, cropped). */
interface Phase {
  /** First input; then every s-th. */
  first: number;
  count: number;
  /** First tap; then every s-th. */
  tap: number;
  taps: number;
  before: number;
  after: number;
}

/** Phases that have taps and inputs. Input first + s·j meets output j + shift − t by the tap tap + s·t. */
function phasesOf(axis: {
  stride: number;
  dilation: number;
  pad: number;
  taps: number;
  inputs: number;
  outputs: number;
}): Phase[] {
  const { stride, dilation, pad, inputs, outputs } = axis;
  return Array.from({ length: Math.min(stride, axis.taps) }, (_, tap) => {
    const first = (((tap - pad) % stride) + stride) % stride;
    const count = Math.ceil((inputs - first) / stride);
    const taps = Math.ceil((axis.taps - tap) / stride);
    const shift = (first + pad - tap) / stride;
    return { first, count, tap, taps, before: (taps - 1) * dilation - shift, after: count + shift - outputs };
  }).filter(({ count }) => count > 0);
}

/** Puts a phase [n, rows, columns, c] into its places of x. */
function interleave(
  x: Float32Array,
  phase: Float32Array,
  { xShape, row, column, stride }: { xShape: number[]; row: Phase; column: Phase; stride: number },
): void {
  const [n, h, w, c] = xShape as [number, number, number, number];
  let from = 0;
  for (let line = 0; line < n * row.count; line++) {
    const at = Math.floor(line / row.count) * h + row.first + (line % row.count) * stride;
    for (let j = 0; j < column.count; j++, from += c) {
      x.set(phase.subarray(from, from + c), (at * w + column.first + j * stride) * c);
    }
  }
}

/** The taps of a phase, turned by 180° in the plane, channels swapped: [kh, kw, ci, co] → [rows, columns, co, ci]. */
function turnFilter(filter: tf.Tensor4D, row: Phase, column: Phase, stride: number): tf.Tensor {
  const [, kw, ci, co] = filter.shape;
  return fillOnHeap([filter], [row.taps, column.taps, co, ci], (out, data) => {
    for (let k = 0; k < row.taps * column.taps; k++) {
      const [r, s] = [row.tap + stride * Math.floor(k / column.taps), column.tap + stride * (k % column.taps)];
      const from = (r * kw + s) * ci * co;
      const to = (row.taps * column.taps - 1 - k) * ci * co;
      for (let i = 0; i < ci; i++) {
        for (let o = 0; o < co; o++) out[to + o * ci + i] = data[from + i * co + o]!;
      }
    }
  });
}

function filterGradient(x: tf.Tensor4D, g: tf.Tensor4D, filterShape: number[], attrs: Conv2DAttributes): tf.Tensor {
  const info = convInfo(x.shape, filterShape, attrs);
  if (attrs.strides !== 1) return filterGradientByTaps(x, g, info);
  const isSmall = info.outHeight < 16 && attrs.dilations === 1; // the padding of the products would be most of the work
  return isSmall ? filterGradientByRows(x, g, info) : filterGradientByProducts(x, g, info);
}

/**
 * One row r of the filter at a time: the sum over n and oh of x[n, oh + r, ow + s, i] · g[n, oh, ow, o] is an inner
 * product over oh·n channels, and a convolution along the width for the columns s:
 *
 *   [1, ci, w, oh·n] ∗ [1, ow, oh·n, co] → [1, ci, kw, co]
 *
 * With the rows outermost in the channels, the next r is a slice that starts n channels later.
 */
function filterGradientByRows(x: tf.Tensor4D, g: tf.Tensor4D, { padInfo, ...info }: ConvInfo): tf.Tensor {
  const {
    batchSize: n,
    filterHeight,
    filterWidth,
    inChannels: ci,
    inWidth: w,
    outHeight,
    outWidth,
    outChannels,
  } = info;
  const rows = tf.tidy(() => {
    const padded = tf.pad(x, [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [0, 0],
      [0, 0],
    ]);
    return batchInnermost(padded, [2, 1, 0]); // [ci, w, h + padding, n]
  });
  const weights = tf.reshape(tf.transpose(g, [2, 1, 0, 3]), [1, outWidth, outHeight * n, outChannels]);
  const gradients: tf.Tensor[] = [];
  for (let r = 0; r < filterHeight; r++) {
    const shifted = tf.reshape(takeRows(rows, r, outHeight), [1, ci, w, outHeight * n]);
    gradients.push(convolve(shifted, weights, undefined, { pad: [0, 0, padInfo.left, padInfo.right] }));
    shifted.dispose();
  }
  const stacked = tf.reshape(tf.concat(gradients, 0), [filterHeight, ci, filterWidth, outChannels]);
  return tf.transpose(stacked, [0, 2, 1, 3]);
}

/** [ci, w, h, n] → [ci, w, count, n], from row `first` on. tfjs's slice moves single elements; these are whole runs. */
function takeRows(x: tf.Tensor4D, first: number, count: number): tf.Tensor {
  const [ci, w, h, n] = x.shape;
  return fillOnHeap([x], [ci, w, count, n], (out, data) => {
    const run = count * n;
    for (let i = 0; i < ci * w; i++) {
      const from = (i * h + first) * n;
      out.set(data.subarray(from, from + run), i * run);
    }
  });
}

/**
 * A product of matrices: each row of one is x of a channel, shifted by a tap of the filter,
 *
 *   [kh·kw·ci, positions] × [positions, co] → [kh·kw·ci, co]
 *
 * where x and g lie on the same padded grid, g with zeros where x is padding: then a shift is an offset into the positions,
 * and whole runs are copied. In parts that stay in the cache. Unlike a convolution's, this kernel's packing is fast.
 */
function filterGradientByProducts(x: tf.Tensor4D, g: tf.Tensor4D, { padInfo, ...info }: ConvInfo): tf.Tensor {
  const { filterHeight: kh, filterWidth: kw, dilationHeight: d, batchSize: n, inChannels: ci, outChannels: co } = info;
  const { top, bottom, left, right } = padInfo;
  const [height, width] = [info.inHeight + top + bottom, info.inWidth + left + right];
  const positions = n * height * width;
  const samples = tf.tidy(() => {
    const padded =
      top + bottom + left + right === 0
        ? x
        : tf.pad(x, [
            [0, 0],
            [top, bottom],
            [left, right],
            [0, 0],
          ]);
    return tf.transpose(tf.reshape(padded, [positions, ci]));
  });
  const upstream = spread(g, height, width);
  const last = positions - ((kh - 1) * width + kw - 1) * d;
  let sum: tf.Tensor | undefined;
  for (let start = 0; start < last; start += PART) {
    const count = Math.min(PART, last - start);
    const before = sum;
    sum = tf.tidy(() => {
      const shifted = fillOnHeap([samples], [kh * kw * ci, count], (out, data) => {
        for (let row = 0; row < kh * kw * ci; row++) {
          const tap = Math.floor(row / ci);
          const from = (row % ci) * positions + start + (Math.floor(tap / kw) * width + (tap % kw)) * d;
          out.set(data.subarray(from, from + count), row * count);
        }
      });
      const weights = fillOnHeap([upstream], [count, co], (out, data) => {
        out.set(data.subarray(start * co, (start + count) * co));
      });
      const product = tf.matMul(shifted as tf.Tensor2D, weights as tf.Tensor2D);
      return before ? tf.add(before, product) : product;
    });
    before?.dispose();
  }
  tf.dispose([samples, upstream]);
  return tf.reshape(sum!, [kh, kw, ci, co]);
}

/** Positions of a part. */
const PART = 2048;

/** [n, h, w, c] in the upper left corner of [n, height, width, c], the rest zero. */
function spread(x: tf.Tensor4D, height: number, width: number): tf.Tensor {
  const [n, h, w, c] = x.shape;
  return fillOnHeap([x], [n, height, width, c], (out, data) => {
    out.fill(0);
    for (let row = 0; row < n * h; row++) {
      const to = (Math.floor(row / h) * height + (row % h)) * width * c;
      out.set(data.subarray(row * w * c, (row + 1) * w * c), to);
    }
  });
}

/** Filter gradient at stride s: [ci, h, w, n] ∗ [oh, ow, n, co] dilated by s → [ci, kh, kw, co]. */
function filterGradientByTaps(x: tf.Tensor4D, g: tf.Tensor4D, { padInfo, ...info }: ConvInfo): tf.Tensor {
  const { strideHeight: s, filterHeight, filterWidth, outHeight, outWidth } = info;
  // Rows and columns that the dilated g must cover so that kh × kw positions come out; fewer than x where the
  // stride leaves some of x unread.
  const bottom = filterHeight - 1 + (outHeight - 1) * s + 1 - x.shape[1] - padInfo.top;
  const right = filterWidth - 1 + (outWidth - 1) * s + 1 - x.shape[2] - padInfo.left;
  const read = cropEnd(x, Math.min(bottom, 0), Math.min(right, 0));
  const gradient = convolve(batchInnermost(read, [2, 0, 1]), tf.transpose(g, [1, 2, 0, 3]), undefined, {
    pad: [padInfo.top, Math.max(bottom, 0), padInfo.left, Math.max(right, 0)],
    dilations: s,
  });
  return tf.transpose(gradient, [1, 2, 0, 3]); // [ci, kh, kw, co] → [kh, kw, ci, co]
}

function cropEnd(x: tf.Tensor4D, bottom: number, right: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return bottom === 0 && right === 0 ? x : tf.slice(x, [0, 0, 0, 0], [n, h + bottom, w + right, c]);
}

/**
 * [n, h, w, c] with the batch moved innermost and the other axes permuted: `order` picks from (h, w, c). In two
 * transpositions that move whole runs: three times faster than one.
 */
function batchInnermost(x: tf.Tensor4D, order: [number, number, number]): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return tf.tidy(() => {
    const turned = tf.transpose(tf.reshape(x, [n, h * w * c])); // [h·w·c, n]
    return tf.transpose(tf.reshape(turned, [h, w, c, n]), [...order, 3]);
  });
}

/** Sum over all but the channels: [n, h, w, c] → [c]. */
export function channelSum(x: tf.Tensor4D): tf.Tensor {
  const [, h, w] = x.shape;
  return tf.mul(tf.sum(tf.avgPool(x, [h, w], 1, 'valid'), [0, 1, 2]), h * w);
}
