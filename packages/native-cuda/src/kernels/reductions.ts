/** Reductions over any axes, and softmax. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, sizeOf } from '../kernel.ts';
import { transpose } from './rearrange.ts';

interface Layout extends Record<string, number> {
  outer: number;
  reduced: number;
  inner: number;
}

/** The shape as [outer, reduced, inner], or undefined where the reduced axes do not lie together. */
function layoutOf(shape: readonly number[], axes: readonly number[]): Layout | undefined {
  const layout = { outer: 1, reduced: 1, inner: 1 };
  let [seen, past] = [false, false];
  for (const [d, side] of shape.entries()) {
    if (side === 1) continue;
    if (axes.includes(d)) {
      if (past) return undefined;
      layout.reduced *= side;
      seen = true;
    } else if (seen) {
      layout.inner *= side;
      past = true;
    } else {
      layout.outer *= side;
    }
  }
  return layout;
}

function reduceWith(
  backend: AddonBackend,
  x: tf.TensorInfo,
  axisParam: number | number[] | undefined,
  keepDims: boolean,
  reduce: (x: tf.TensorInfo, layout: Layout, shape: number[]) => tf.TensorInfo,
): tf.TensorInfo {
  const axes = tf.util.parseAxisParam(axisParam!, x.shape);
  const kept = x.shape.map((side, d) => (axes.includes(d) ? 1 : side));
  const shape = keepDims ? kept : x.shape.filter((_, d) => !axes.includes(d));
  const layout = layoutOf(x.shape, axes);
  if (layout) return reduce(x, layout, shape);
  const staying = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const turned = transpose(backend, x, [...staying, ...axes]);
  const result = reduce(
    turned,
    { outer: sizeOf(staying.map((d) => x.shape[d]!)), reduced: sizeOf(axes.map((d) => x.shape[d]!)), inner: 1 },
    shape,
  );
  backend.disposeIntermediateTensorInfo(turned);
  return result;
}

function reduceKernel(name: string, op: string, types: readonly string[], axisName = 'axis'): AddonKernel {
  return {
    name,
    run(backend, { x }, attrs) {
      if (!types.includes(x!.dtype) || sizeOf(x!.shape) === 0) return undefined;
      return reduceWith(
        backend,
        x!,
        attrs[axisName],
        attrs.keepDims,
        (from, layout, shape) =>
          backend.run('reduce', { x: from }, { y: { shape, dtype: x!.dtype } }, { op, dtype: x!.dtype }, layout)[0]!,
      );
    },
  };
}

function argKernel(name: string, max: boolean): AddonKernel {
  return {
    name,
    run(backend, { x }, { axis }) {
      if (x!.dtype !== 'float32') return undefined;
      return reduceWith(
        backend,
        x!,
        axis,
        false,
        (from, layout, shape) =>
          backend.run('arg_reduce', { x: from }, { y: { shape, dtype: 'int32' } }, { max }, layout)[0]!,
      );
    },
  };
}

function softmaxKernel(name: string, log: boolean): AddonKernel {
  return {
    name,
    run(backend, { logits }, attrs) {
      const { shape } = logits!;
      const axis = tf.util.parseAxisParam(attrs.dim ?? attrs.axis, shape)[0]!;
      if (logits!.dtype !== 'float32' || axis !== shape.length - 1) return undefined;
      const columns = shape[axis]!;
      const own = { log, rows: sizeOf(shape) / columns, columns };
      return backend.run('softmax', { x: logits }, { y: { shape, dtype: 'float32' } }, own)[0]!;
    },
  };
}

export const REDUCTIONS: readonly AddonKernel[] = [
  reduceKernel('Sum', 'sum', ['float32', 'int32']),
  reduceKernel('Mean', 'mean', ['float32']),
  reduceKernel('Prod', 'prod', ['float32', 'int32']),
  reduceKernel('Max', 'max', ['float32', 'int32'], 'reductionIndices'),
  reduceKernel('Min', 'min', ['float32', 'int32']),
  reduceKernel('Any', 'any', ['bool']),
  reduceKernel('All', 'all', ['bool']),
  argKernel('ArgMax', true),
  argKernel('ArgMin', false),
  softmaxKernel('Softmax', false),
  softmaxKernel('LogSoftmax', true),
];
