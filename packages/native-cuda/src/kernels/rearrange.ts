/** Copies that change the place of elements: one strided copy of the addon serves nearly all of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, mergeDimensions, sizeOf, stridesOf } from '../kernel.ts';
import { fill } from './elementwise.ts';

const isServed = ({ dtype }: tf.TensorInfo) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

interface Walk {
  dims: readonly number[];
  xStrides: readonly number[];
  yStrides: readonly number[];
  xFrom?: number;
  yFrom?: number;
}

/** Copies into `y`, or into a new tensor of `shape`. */
function copy(backend: AddonBackend, x: tf.TensorInfo, walk: Walk, into: tf.TensorInfo): void {
  if (sizeOf(walk.dims) === 0) return;
  const { dims, strides } = mergeDimensions(walk.dims, [[...walk.xStrides], [...walk.yStrides]]);
  const attrs = {
    dtype: x.dtype,
    dims,
    xStrides: strides[0]!,
    yStrides: strides[1]!,
    xFrom: walk.xFrom ?? 0,
    yFrom: walk.yFrom ?? 0,
  };
  backend.runInto('strided_copy', { x }, { y: into }, attrs);
}

export function transpose(backend: AddonBackend, x: tf.TensorInfo, perm: readonly number[]): tf.TensorInfo {
  const shape = perm.map((d) => x.shape[d]!);
  const own = stridesOf(x.shape);
  const y = backend.makeTensorInfo(shape, x.dtype);
  copy(backend, x, { dims: shape, xStrides: perm.map((d) => own[d]!), yStrides: stridesOf(shape) }, y);
  return y;
}

function slice(
  backend: AddonBackend,
  x: tf.TensorInfo,
  begin: readonly number[],
  size: readonly number[],
): tf.TensorInfo {
  const strides = stridesOf(x.shape);
  const y = backend.makeTensorInfo([...size], x.dtype);
  const xFrom = begin.reduce((sum, at, d) => sum + at * strides[d]!, 0);
  copy(backend, x, { dims: size, xStrides: strides, yStrides: stridesOf(size), xFrom }, y);
  return y;
}

function concat(backend: AddonBackend, tensors: readonly tf.TensorInfo[], axis: number): tf.TensorInfo {
  const shape = tf.backend_util.computeOutShape(
    tensors.map((each) => each.shape),
    axis,
  );
  const y = backend.makeTensorInfo(shape, tensors[0]!.dtype);
  const yStrides = stridesOf(shape);
  let at = 0;
  for (const x of tensors) {
    copy(backend, x, { dims: x.shape, xStrides: stridesOf(x.shape), yStrides, yFrom: at * yStrides[axis]! }, y);
    at += x.shape[axis]!;
  }
  return y;
}

function tile(backend: AddonBackend, x: tf.TensorInfo, reps: readonly number[]): tf.TensorInfo {
  const shape = x.shape.map((side, d) => side * reps[d]!);
  const [own, out] = [stridesOf(x.shape), stridesOf(shape)];
  const y = backend.makeTensorInfo(shape, x.dtype);
  // Each dimension falls into (repetition, position): the first does not move x.
  const dims = x.shape.flatMap((side, d) => [reps[d]!, side]);
  const xStrides = x.shape.flatMap((_, d) => [0, own[d]!]);
  const yStrides = x.shape.flatMap((side, d) => [side * out[d]!, out[d]!]);
  copy(backend, x, { dims, xStrides, yStrides }, y);
  return y;
}

function pad(
  backend: AddonBackend,
  x: tf.TensorInfo,
  paddings: readonly [number, number][],
  value: number,
): tf.TensorInfo {
  const shape = x.shape.map((side, d) => side + paddings[d]![0] + paddings[d]![1]);
  const y = fill(backend, shape, x.dtype, value);
  const yStrides = stridesOf(shape);
  const yFrom = paddings.reduce((sum, [before], d) => sum + before * yStrides[d]!, 0);
  copy(backend, x, { dims: x.shape, xStrides: stridesOf(x.shape), yStrides, yFrom }, y);
  return y;
}

export const REARRANGE: readonly AddonKernel[] = [
  { name: 'Transpose', run: (backend, { x }, { perm }) => (isServed(x!) ? transpose(backend, x!, perm) : undefined) },
  {
    name: 'Slice',
    run(backend, { x }, attrs) {
      if (!isServed(x!)) return undefined;
      const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attrs.begin, attrs.size) as [
        number[],
        number[],
      ];
      tf.slice_util.assertParamsValid(x as tf.Tensor, begin, size);
      return slice(backend, x!, begin, size);
    },
  },
  {
    name: 'Concat',
    run(backend, inputs, attrs) {
      const all = Array.from(inputs);
      if (!all.every(isServed) || all.some(({ dtype }) => dtype !== all[0]!.dtype)) return undefined;
      const axis = tf.util.parseAxisParam(attrs.axis, all[0]!.shape)[0]!;
      tf.backend_util.assertParamsConsistent(
        all.map(({ shape }) => shape),
        axis,
      );
      const tensors = all.filter(({ shape }) => sizeOf(shape) > 0);
      if (tensors.length === 1) return backend.view(tensors[0]!, tensors[0]!.shape);
      return tensors.length === 0 ? undefined : concat(backend, tensors, axis);
    },
  },
  {
    name: 'Pack',
    run(backend, inputs, { axis }) {
      const tensors = Array.from(inputs);
      if (!tensors.every(isServed) || tensors.some(({ dtype }) => dtype !== tensors[0]!.dtype)) return undefined;
      const { shape } = tensors[0]!;
      const at = axis < 0 ? axis + shape.length + 1 : axis;
      const expanded = [...shape.slice(0, at), 1, ...shape.slice(at)];
      return concat(
        backend,
        tensors.map((x) => ({ ...x, shape: expanded, dataId: x.dataId, dtype: x.dtype })),
        at,
      );
    },
  },
  {
    name: 'Unpack',
    run(backend, { value }, attrs) {
      if (!isServed(value!)) return undefined;
      const { shape } = value!;
      const axis = attrs.axis < 0 ? attrs.axis + shape.length : attrs.axis;
      const outShape = shape.filter((_, d) => d !== axis);
      const size = shape.map((side, d) => (d === axis ? 1 : side));
      return Array.from({ length: shape[axis]! }, (_, i) => ({
        ...slice(
          backend,
          value!,
          shape.map((_, d) => (d === axis ? i : 0)),
          size,
        ),
        shape: outShape,
      }));
    },
  },
  {
    name: 'SplitV',
    run(backend, { x }, attrs) {
      if (!isServed(x!)) return undefined;
      const axis = tf.util.parseAxisParam(attrs.axis, x!.shape)[0]!;
      const begin = new Array<number>(x!.shape.length).fill(0);
      return tf.backend_util.prepareSplitSize(x as tf.Tensor, attrs.numOrSizeSplits, axis).map((part) => {
        const size = x!.shape.map((side, d) => (d === axis ? part : side));
        const piece = slice(backend, x!, begin, size);
        begin[axis]! += part;
        return piece;
      });
    },
  },
  {
    name: 'Tile',
    run: (backend, { x }, { reps }) => (isServed(x!) && x!.shape.length <= 4 ? tile(backend, x!, reps) : undefined),
  },
  {
    name: 'BroadcastTo',
    run(backend, { x }, { shape }) {
      if (!isServed(x!)) return undefined;
      const own = stridesOf(x!.shape);
      const missing = shape.length - x!.shape.length;
      const xStrides = shape.map((_: number, d: number) =>
        d < missing || x!.shape[d - missing] === 1 ? 0 : own[d - missing]!,
      );
      const y = backend.makeTensorInfo(shape, x!.dtype);
      copy(backend, x!, { dims: shape, xStrides, yStrides: stridesOf(shape) }, y);
      return y;
    },
  },
  {
    name: 'PadV2',
    run: (backend, { x }, { paddings, constantValue }) =>
      isServed(x!) ? pad(backend, x!, paddings, constantValue) : undefined,
  },
  {
    name: 'GatherV2',
    run(backend, { x, indices }, attrs) {
      if (!isServed(x!) || indices!.dtype !== 'int32' || attrs.batchDims) return undefined;
      const axis = tf.util.parseAxisParam(attrs.axis, x!.shape)[0]!;
      const [before, after] = [x!.shape.slice(0, axis), x!.shape.slice(axis + 1)];
      const sizes = {
        outer: sizeOf(before),
        axis: x!.shape[axis]!,
        inner: sizeOf(after),
        indices: sizeOf(indices!.shape),
      };
      const y = { shape: [...before, ...indices!.shape, ...after], dtype: x!.dtype };
      return backend.run('gather', { x, index: indices }, { y }, { dtype: x!.dtype }, sizes)[0]!;
    },
  },
  {
    name: 'OneHot',
    run(backend, { indices }, { depth, onValue, offValue, dtype }) {
      if (indices!.dtype !== 'int32' || !['float32', 'int32', 'bool'].includes(dtype)) return undefined;
      const attrs = { dtype, count: sizeOf(indices!.shape), depth, on: onValue, off: offValue };
      return backend.run('one_hot', { index: indices }, { y: { shape: [...indices!.shape, depth], dtype } }, attrs)[0]!;
    },
  },
];
