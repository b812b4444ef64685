/** Arithmetic by element: unary and binary with broadcasting, casts, choices and fills. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, mergeDimensions, sizeOf, stridesOf } from '../kernel.ts';

const BINARY: Record<string, string> = {
  Add: 'add',
  Sub: 'sub',
  Multiply: 'mul',
  RealDiv: 'div',
  Maximum: 'maximum',
  Minimum: 'minimum',
  Pow: 'pow',
  SquaredDifference: 'squared_difference',
  FloorDiv: 'floor_div',
  Mod: 'mod',
};
const COMPARISON: Record<string, string> = {
  Equal: 'equal',
  NotEqual: 'not_equal',
  Greater: 'greater',
  GreaterEqual: 'greater_equal',
  Less: 'less',
  LessEqual: 'less_equal',
  LogicalAnd: 'logical_and',
  LogicalOr: 'logical_or',
};
const UNARY: Record<string, string> = {
  Neg: 'neg',
  Abs: 'abs',
  Exp: 'exp',
  Expm1: 'expm1',
  Log: 'log',
  Log1p: 'log1p',
  Sqrt: 'sqrt',
  Rsqrt: 'rsqrt',
  Square: 'square',
  Reciprocal: 'reciprocal',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Relu: 'relu',
  Relu6: 'relu6',
  LeakyRelu: 'leakyrelu',
  Elu: 'elu',
  Softplus: 'softplus',
  Step: 'step',
  Sign: 'sign',
  Floor: 'floor',
  Ceil: 'ceil',
  Round: 'round',
  Sin: 'sin',
  Cos: 'cos',
  Erf: 'erf',
  ClipByValue: 'clip',
  LogicalNot: 'logical_not',
  IsNan: 'is_nan',
};
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
  return backend.run(
    'binary',
    { a, b },
    { y: { shape, dtype: resultType } },
    {
      op,
      dtype: a.dtype,
      dims,
      aStrides: strides[0]!,
      bStrides: strides[1]!,
    },
  )[0]!;
}

function binaryKernel(name: string, op: string): AddonKernel {
  return {
    name,
    run(backend, { a, b }) {
      const served =
        a!.dtype === b!.dtype &&
        (a!.dtype === 'float32' || (a!.dtype === 'int32' && !['RealDiv', 'Pow'].includes(name)));
      return served ? runBinary(backend, op, a!, b!, a!.dtype) : undefined;
    },
  };
}

function comparisonKernel(name: string, op: string): AddonKernel {
  return {
    name,
    run(backend, { a, b }) {
      const served = a!.dtype === b!.dtype && ['float32', 'int32', 'bool'].includes(a!.dtype);
      return served ? runBinary(backend, op, a!, b!, 'bool') : undefined;
    },
  };
}

function unaryKernel(name: string, op: string): AddonKernel {
  return {
    name,
    run(backend, { x }, attrs) {
      const wanted = name === 'LogicalNot' ? 'bool' : 'float32';
      if (x!.dtype !== wanted && !(x!.dtype === 'int32' && INTEGER_UNARY.has(name))) return undefined;
      const p0 = attrs?.alpha ?? attrs?.clipValueMin ?? 0;
      const y = { shape: x!.shape, dtype: name === 'IsNan' ? ('bool' as const) : x!.dtype };
      return backend.run(
        'unary',
        { x },
        { y },
        {
          op,
          dtype: x!.dtype,
          count: sizeOf(x!.shape),
          p0,
          p1: attrs?.clipValueMax ?? 0,
        },
      )[0]!;
    },
  };
}

export function fill(backend: AddonBackend, shape: number[], dtype: tf.DataType, value: number): tf.TensorInfo {
  return backend.run('fill', {}, { y: { shape, dtype } }, { dtype, count: sizeOf(shape), value })[0]!;
}

const isServed = (dtype: string) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

export const ELEMENTWISE: readonly AddonKernel[] = [
  ...Object.entries(BINARY).map(([name, op]) => binaryKernel(name, op)),
  ...Object.entries(COMPARISON).map(([name, op]) => comparisonKernel(name, op)),
  ...Object.entries(UNARY).map(([name, op]) => unaryKernel(name, op)),
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
      return backend.run(
        'cast',
        { x },
        { y: { shape: x!.shape, dtype } },
        {
          from: x!.dtype,
          to: dtype,
          count: sizeOf(x!.shape),
        },
      )[0]!;
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
      return backend.run(
        'select',
        { condition, a: t, b: e },
        { y: { shape: t!.shape, dtype: t!.dtype } },
        {
          dtype: t!.dtype,
          count,
          inner,
        },
      )[0]!;
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
