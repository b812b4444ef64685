/** Pooling and nearest resizing, forward and backward. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonKernel, Attributes } from '../kernel.ts';

type Shape4D = [number, number, number, number];

function infoOf(shape: number[], { filterSize, strides, pad, dimRoundingMode }: Attributes) {
  return tf.backend_util.computePool2DInfo(shape as Shape4D, filterSize, strides, 1, pad, dimRoundingMode);
}

const shapeOf = (info: tf.backend_util.Conv2DInfo) => ({
  n: info.batchSize,
  h: info.inHeight,
  w: info.inWidth,
  c: info.inChannels,
  oh: info.outHeight,
  ow: info.outWidth,
  kh: info.filterHeight,
  kw: info.filterWidth,
  sh: info.strideHeight,
  sw: info.strideWidth,
  top: info.padInfo.top,
  left: info.padInfo.left,
});

function forward(name: string, max: boolean): AddonKernel {
  return {
    name,
    run(backend, { x }, attrs) {
      if (x!.dtype !== 'float32') return undefined;
      const info = infoOf(x!.shape, attrs);
      return backend.run('pool', { x }, { y: { shape: info.outShape, dtype: 'float32' } }, shapeOf(info), { max })[0]!;
    },
  };
}

function backward(name: string, max: boolean): AddonKernel {
  return {
    name,
    run(backend, { dy, input }, attrs) {
      const dx = { shape: input!.shape, dtype: 'float32' as const };
      const shape = shapeOf(infoOf(input!.shape, attrs));
      return backend.run('pool_grad', { dy, x: max ? input : null }, { dx }, shape, { max })[0]!;
    },
  };
}

/** The input row (or column) that each output row reads, as tfjs's `cpu` has it. */
function nearest(from: number, to: number, alignCorners: boolean, halfPixelCenters: boolean): number[] {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return Array.from({ length: to }, (_, i) => {
    const at = ratio * (halfPixelCenters ? i + 0.5 : i);
    return Math.max(0, Math.min(from - 1, alignCorners ? Math.round(at) : Math.floor(at)));
  });
}

export const POOLING: readonly AddonKernel[] = [
  forward('MaxPool', true),
  forward('AvgPool', false),
  backward('MaxPoolGrad', true),
  backward('AvgPoolGrad', false),
  {
    name: 'ResizeNearestNeighbor',
    run(backend, { images }, { alignCorners, halfPixelCenters, size }) {
      if (images!.dtype !== 'float32') return undefined;
      const [n, h, w, c] = images!.shape as Shape4D;
      const [oh, ow] = size as [number, number];
      const rows = nearest(h, oh, alignCorners, halfPixelCenters);
      const columns = nearest(w, ow, alignCorners, halfPixelCenters);
      const y = { shape: [n, oh, ow, c], dtype: 'float32' as const };
      const attrs = { n, h, w, c, oh, ow, rows, columns, gradient: false };
      return backend.run('resize_nearest', { x: images }, { y }, attrs)[0]!;
    },
  },
];
