/**
 * DoppelConv2D on `cpu`: the definition as plain loops, summed in double precision. It is the truth for the others, and
 * twenty times as fast as tfjs's own kernels, which look up each element by its coordinates.
 */
import * as tf from '@tensorflow/tfjs-core';
import { activate, activationGradient } from './activation.ts';
import {
  type Conv2DAttributes,
  type Conv2DBackpropAttributes,
  type Conv2DBackpropInputs,
  type Conv2DInputs,
  convInfo,
} from './conv2d.ts';

export function conv2dCpu({ x, filter, bias }: Conv2DInputs, attrs: Conv2DAttributes): tf.Tensor {
  const info = convInfo(x.shape, filter.shape, attrs);
  const linear = tf.tensor(convolve(valuesOf(x), valuesOf(filter), info), info.outShape);
  return activate(bias ? tf.add(linear, bias) : linear, attrs);
}

export function conv2dBackpropCpu(
  { dy, x, filter, y }: Conv2DBackpropInputs,
  attrs: Conv2DBackpropAttributes,
): tf.Tensor[] {
  const g = activationGradient(dy, y, attrs);
  const info = convInfo(x.shape, filter.shape, attrs);
  const gradients = {
    dx: () => tf.tensor(gradientOfInput(valuesOf(g), valuesOf(filter), info), x.shape),
    dfilter: () => tf.tensor(gradientOfFilter(valuesOf(x), valuesOf(g), info), filter.shape),
    dbias: () => tf.sum(g, [0, 1, 2]),
  };
  return attrs.outputs.map((name) => gradients[name]());
}

type Info = ReturnType<typeof convInfo>;

const valuesOf = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;

/**
 * Calls `visit` for each pair of an input pixel and an output pixel that a tap of the filter joins: where the channels of
 * the three begin, in x, in y and in the filter.
 */
function forEachTap(info: Info, visit: (xAt: number, filterAt: number, yAt: number) => void): void {
  const { batchSize, inHeight, inWidth, inChannels: ci, outHeight, outWidth, outChannels: co } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info;
  for (let n = 0; n < batchSize; n++) {
    for (let oh = 0; oh < outHeight; oh++) {
      for (let ow = 0; ow < outWidth; ow++) {
        const yAt = ((n * outHeight + oh) * outWidth + ow) * co;
        for (let r = 0; r < filterHeight; r++) {
          const h = oh * strideHeight - padInfo.top + r * dilationHeight;
          if (h < 0 || h >= inHeight) continue;
          for (let s = 0; s < filterWidth; s++) {
            const w = ow * strideWidth - padInfo.left + s * dilationWidth;
            if (w < 0 || w >= inWidth) continue;
            visit(((n * inHeight + h) * inWidth + w) * ci, (r * filterWidth + s) * ci * co, yAt);
          }
        }
      }
    }
  }
}

/** y[o] = Σ x[i]·f[i, o] over taps and input channels. */
function convolve(x: Float32Array, filter: Float32Array, info: Info): Float32Array {
  const { inChannels: ci, outChannels: co } = info;
  const y = new Float64Array(tf.util.sizeFromShape(info.outShape));
  forEachTap(info, (xAt, filterAt, yAt) => {
    for (let i = 0; i < ci; i++) {
      const sample = x[xAt + i]!;
      const row = filterAt + i * co;
      for (let o = 0; o < co; o++) y[yAt + o]! += sample * filter[row + o]!;
    }
  });
  return Float32Array.from(y);
}

/** dx[i] = Σ g[o]·f[i, o] over taps and output channels. */
function gradientOfInput(g: Float32Array, filter: Float32Array, info: Info): Float32Array {
  const { inChannels: ci, outChannels: co } = info;
  const dx = new Float64Array(tf.util.sizeFromShape(info.inShape));
  forEachTap(info, (xAt, filterAt, yAt) => {
    for (let i = 0; i < ci; i++) {
      const row = filterAt + i * co;
      let sum = 0;
      for (let o = 0; o < co; o++) sum += g[yAt + o]! * filter[row + o]!;
      dx[xAt + i]! += sum;
    }
  });
  return Float32Array.from(dx);
}

/** df[i, o] = Σ x[i]·g[o] over pixels and the batch. */
function gradientOfFilter(x: Float32Array, g: Float32Array, info: Info): Float32Array {
  const { inChannels: ci, outChannels: co } = info;
  const dfilter = new Float64Array(tf.util.sizeFromShape(info.filterShape));
  forEachTap(info, (xAt, filterAt, yAt) => {
    for (let i = 0; i < ci; i++) {
      const sample = x[xAt + i]!;
      const row = filterAt + i * co;
      for (let o = 0; o < co; o++) dfilter[row + o]! += sample * g[yAt + o]!;
    }
  });
  return Float32Array.from(dfilter);
}
