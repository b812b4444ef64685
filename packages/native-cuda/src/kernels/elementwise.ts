/** Arithmetic by element: unary and binary with broadcasting, casts, choices and fills. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, mergeDimensions, sizeOf, stridesOf } from '../kernel.ts';

const BINARY = 'Add Sub Multiply RealDiv Maximum Minimum Pow SquaredDifference FloorDiv Mod'.split(' ');
const COMPARISON = 'Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr'.split(' ');
const UNARY = (
  'Neg Abs Exp Expm1 Log Log1p Sqrt Rsqrt Square Reciprocal Sigmoid Tanh Relu Relu6 LeakyRelu Elu Softplus Step ' +
  'Sign Floor Ceil Round Sin Cos Erf ClipByValue LogicalNot IsNan'
).split(' ');
const OTHER_NAMES: Record<string, string> = {
  Multiply: 'mul',
  RealDiv: 'div',
  LeakyRelu: 'leakyrelu',
  ClipByValue: 'clip',
};

/** The addon's name of a kernel of tfjs: `FloorDiv` is `floor_div`. */
const opOf = (kernel: string) =>
  OTHER_NAMES[kernel] ?? kernel.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** Those that also take int32. */
const INTEGER_UNARY = new Set(['Neg', 'Abs', 'Square']);

/** Strides of `shape` seen at rank `rank`, with zeros where it is repeated. */
function broadcastStrides(shape: readonly number[], out: readonly number[]): number[] {
  const own = stridesOf(shape);
  const missing = out.length - shape.length;
  return out.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : own[d - missing]!));
}

function runBinary(
  backend: AddonBackend,
  op: string,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  resultType: tf.DataType,
): tf.TensorInfo {
  const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  if (sizeOf(shape) === 0) return backend.makeTensorInfo(shape, resultType);
  const { dims, strides } = mergeDimensions(shape, [
    broadcastStrides(a.shape, shape),
    broadcastStrides(b.shape, shape),
  ]);
  const attrs = { op, dtype: a.dtype, dims, aStrides: strides[0]!, bStrides: strides[1]! };
  return backend.run('binary', { a, b }, { y: { shape, dtype: resultType } }, attrs)[0]!;
}

function binaryKernel(name: string): AddonKernel {
  return {
    name,
    run(backend, { a, b }) {
      const served =
        a!.dtype === b!.dtype &&
        (a!.dtype === 'float32' || (a!.dtype === 'int32' && !['RealDiv', 'Pow'].includes(name)));
      return served ? runBinary(backend, opOf(name), a!, b!, a!.dtype) : undefined;
    },
  };
}

function comparisonKernel(name: string): AddonKernel {
  return {
    name,
    run(backend, { a, b }) {
      const served = a!.dtype === b!.dtype && ['float32', 'int32', 'bool'].includes(a!.dtype);
      return served ? runBinary(backend, opOf(name), a!, b!, 'bool') : undefined;
    },
  };
}

function unaryKernel(name: string): AddonKernel {
  return {
    name,
    run(backend, { x }, attrs) {
      const wanted = name === 'LogicalNot' ? 'bool' : 'float32';
      if (x!.dtype !== wanted && !(x!.dtype === 'int32' && INTEGER_UNARY.has(name))) return undefined;
      const p0 = attrs?.alpha ?? attrs?.clipValueMin ?? 0;
      const y = { shape: x!.shape, dtype: name === 'IsNan' ? ('bool' as const) : x!.dtype };
      const parameters = { p0, p1: attrs?.clipValueMax ?? 0 };
      const of = { op: opOf(name), dtype: x!.dtype, count: sizeOf(x!.shape) };
      return backend.run('unary', { x }, { y }, of, parameters)[0]!;
    },
  };
}

export function fill(backend: AddonBackend, shape: number[], dtype: tf.DataType, value: number): tf.TensorInfo {
  return backend.run('fill', {}, { y: { shape, dtype } }, { dtype, count: sizeOf(shape), value })[0]!;
}

const isServed = (dtype: string) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

export const ELEMENTWISE: readonly AddonKernel[] = [
  ...BINARY.map(binaryKernel),
  ...COMPARISON.map(comparisonKernel),
  ...UNARY.map(unaryKernel),
  {
    name: 'Prelu',
    run: (backend, { x, alpha }) =>
      x!.dtype === 'float32' && alpha!.dtype === 'float32'
        ? runBinary(backend, 'prelu', x!, alpha!, 'float32')
        : undefined,
  },
  {
    name: 'Cast',
    run(backend, { x }, { dtype }) {
      if (x!.dtype === dtype) return backend.view(x!, x!.shape);
      if (!isServed(x!.dtype) || !isServed(dtype)) return undefined;
      const attrs = { from: x!.dtype, to: dtype, count: sizeOf(x!.shape) };
      return backend.run('cast', { x }, { y: { shape: x!.shape, dtype } }, attrs)[0]!;
    },
  },
  {
    name: 'Select',
    run(backend, { condition, t, e }) {
      if (!isServed(t!.dtype) || t!.dtype !== e!.dtype) return undefined;
      const count = sizeOf(condition!.shape);
      const inner =
        condition!.shape.length === 0 || condition!.shape.length > 1 || t!.shape.length === 1
          ? 1
          : sizeOf(t!.shape.slice(1));
      if (count * inner !== sizeOf(t!.shape)) return undefined;
      const y = { shape: t!.shape, dtype: t!.dtype };
      return backend.run('select', { condition, a: t, b: e }, { y }, { dtype: t!.dtype, count, inner })[0]!;
    },
  },
  {
    name: 'Fill',
    run(backend, _, { shape, value, dtype }) {
      const type = dtype ?? (typeof value === 'string' ? 'string' : 'float32');
      return isServed(type) ? fill(backend, shape, type, Number(value)) : undefined;
    },
  },
  {
    name: 'ZerosLike',
    run: (backend, { x }) => (isServed(x!.dtype) ? fill(backend, x!.shape, x!.dtype, 0) : undefined),
  },
  {
    name: 'OnesLike',
    run: (backend, { x }) => (isServed(x!.dtype) ? fill(backend, x!.shape, x!.dtype, 1) : undefined),
  },
  {
    name: 'AddN',
    run(backend, inputs) {
      const tensors = Array.from(inputs);
      if (tensors.some(({ dtype }) => dtype !== 'float32')) return undefined;
      const { shape } = tensors[0]!;
      return backend.run('add_n', { x: tensors }, { y: { shape, dtype: 'float32' } }, { count: sizeOf(shape) })[0]!;
    },
  },
];
