/** Convolutions: doppel's own kernels, and tfjs's names for the same thing. */
import type { Activation } from '@doppel/core/backends';
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import type { AddonKernel, Attributes } from '../kernel.ts';

type Shape4D = [number, number, number, number];
type ConvInfo = tf.backend_util.Conv2DInfo;

interface ActivationAttributes {
  activation: Activation;
  leakyreluAlpha: number;
}

const LINEAR: ActivationAttributes = { activation: 'linear', leakyreluAlpha: 0 };

const shapeOf = (info: ConvInfo) => ({
  n: info.batchSize,
  h: info.inHeight,
  w: info.inWidth,
  ci: info.inChannels,
  kh: info.filterHeight,
  kw: info.filterWidth,
  co: info.outChannels,
  oh: info.outHeight,
  ow: info.outWidth,
  stride: info.strideHeight,
  top: info.padInfo.top,
  left: info.padInfo.left,
  dilation: info.dilationHeight,
});

function infoOf(
  xShape: number[],
  filterShape: number[],
  { strides, dilations = 1, pad, dimRoundingMode }: Attributes,
): ConvInfo {
  const [x, filter] = [xShape as Shape4D, filterShape as Shape4D];
  return tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode, false);
}

function forward(
  backend: AddonBackend,
  info: ConvInfo,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  { activation, leakyreluAlpha, exact = true }: ActivationAttributes & { exact?: boolean },
) {
  const isTraced = tf.engine().state.gradientDepth > 0;
  // A single channel has no pair to multiply; it stays fp32.
  const precision = info.inChannels === 1 ? 'fp32' : isTraced ? backend.tracedPrecision : backend.precision;
  const attrs = {
    exact: isTraced && exact && backend.exactForward,
    precision,
    activation,
    leakyreluAlpha,
  };
  return backend.run(
    'conv2d',
    { x, filter, bias },
    { y: { shape: info.outShape, dtype: 'float32' } },
    shapeOf(info),
    attrs,
  )[0]!;
}

type Output = 'dx' | 'dfilter' | 'dbias';

function backward(
  backend: AddonBackend,
  info: ConvInfo,
  { dy, x, filter, y }: Record<'dy', tf.TensorInfo> & Partial<Record<'x' | 'filter' | 'y', tf.TensorInfo>>,
  outputs: readonly Output[],
  { activation, leakyreluAlpha }: ActivationAttributes,
): tf.TensorInfo[] {
  const shapes = { dx: info.inShape, dfilter: info.filterShape, dbias: [info.outChannels] };
  const wanted = (name: Output) =>
    outputs.includes(name) ? { shape: shapes[name], dtype: 'float32' as const } : undefined;
  const gradients = { dx: wanted('dx'), dfilter: wanted('dfilter'), dbias: wanted('dbias') };
  return backend.run('conv2d_backprop', { dy, x, filter, y }, gradients, shapeOf(info), {
    precision: backend.tracedPrecision,
    activation,
    leakyreluAlpha,
  });
}

/** True where tfjs's attributes describe a convolution that the addon computes. */
function isPlain({ strides, dilations = 1, dataFormat = 'NHWC' }: Attributes): boolean {
  const isSquare = (steps: number | [number, number]) => new Set([steps].flat()).size === 1;
  const isEither = [strides].flat()[0] === 1 || [dilations].flat()[0] === 1;
  return dataFormat === 'NHWC' && isSquare(strides) && isSquare(dilations) && isEither;
}

export const CONV2D: readonly AddonKernel[] = [
  {
    name: 'DoppelConv2D',
    run: (backend, { x, filter, bias }, attrs) =>
      forward(backend, infoOf(x!.shape, filter!.shape, attrs), x!, filter!, bias, attrs),
  },
  {
    name: 'DoppelConv2DBackprop',
    run: (backend, { dy, x, filter, y }, attrs) =>
      backward(
        backend,
        infoOf(x!.shape, filter!.shape, attrs),
        { dy: dy!, x: x!, filter: filter!, ...(y && { y }) },
        attrs.outputs,
        attrs,
      ),
  },
  {
    name: 'Conv2D',
    run(backend, { x, filter }, attrs) {
      if (!isPlain(attrs)) return undefined;
      return forward(backend, infoOf(x!.shape, filter!.shape, attrs), x!, filter!, undefined, LINEAR);
    },
  },
  {
    name: 'FusedConv2D',
    run(backend, { x, filter, bias, preluActivationWeights }, attrs) {
      if (!isPlain(attrs) || preluActivationWeights || !['linear', 'relu', 'leakyrelu'].includes(attrs.activation))
        return undefined;
      if (bias && tf.util.sizeFromShape(bias.shape) !== filter!.shape[3]) return undefined;
      const info = infoOf(x!.shape, filter!.shape, attrs);
      return forward(backend, info, x!, filter!, bias, {
        activation: attrs.activation,
        leakyreluAlpha: attrs.leakyreluAlpha ?? 0.2,
      });
    },
  },
  {
    name: 'Conv2DBackpropInput',
    run(backend, { dy, filter }, attrs) {
      if (!isPlain(attrs)) return undefined;
      const info = infoOf(attrs.inputShape, filter!.shape, attrs);
      return backward(backend, info, { dy: dy!, filter: filter! }, ['dx'], LINEAR)[0]!;
    },
  },
  {
    name: 'Conv2DBackpropFilter',
    run(backend, { x, dy }, attrs) {
      if (!isPlain(attrs)) return undefined;
      const info = infoOf(x!.shape, attrs.filterShape, attrs);
      return backward(backend, info, { dy: dy!, x: x! }, ['dfilter'], LINEAR)[0]!;
    },
  },
];
