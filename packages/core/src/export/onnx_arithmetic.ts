/** Arithmetic on values of a graph, with numbers as constants and the shapes that broadcasting gives. */
import type { OnnxGraph, Size, Value } from './onnx_graph.ts';

type Operand = Value | number;

const LARGEST = 3.4028234663852886e38; // of float32

export type Arithmetic = ReturnType<typeof arithmeticOf>;

export function arithmeticOf(graph: OnnxGraph) {
  const asValue = (x: Operand): Value => (typeof x === 'number' ? graph.scalar(x) : x);
  const over =
    (operator: string) =>
    (...operands: readonly Operand[]): Value => {
      const values = operands.map(asValue);
      return graph.node(operator, values, values.map(({ shape }) => shape).reduce(broadcast));
    };
  return {
    graph,
    add: over('Add'),
    subtract: over('Sub'),
    multiply: over('Mul'),
    divide: over('Div'),
    log: over('Log'),
    exp: over('Exp'),
    sqrt: over('Sqrt'),
    magnitude: over('Abs'),
    larger: over('Max'),
    isLess: over('Less'),
    isAtMost: over('LessOrEqual'),
    both: over('And'),
    sigmoid: over('Sigmoid'),
    /** Condition, value where it holds, value elsewhere. */
    where: over('Where'),
    /** @param low, @param high limits, both included. */
    clip: (x: Value, low: number, high: number): Value =>
      graph.node('Clip', [x, graph.scalar(low), graph.scalar(high)], x.shape),
    /** 1 where a condition holds, else 0. */
    asFloat: (x: Value): Value => graph.node('Cast', [x], x.shape, { attributes: { to: 1 } }),
    /** Sum over axes, which keep the size 1. */
    sum: (x: Value, axes: readonly number[]): Value =>
      graph.node(
        'ReduceSum',
        [x, graph.integers(axes)],
        x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
      ),
  };
}

/** Condition that holds for samples that are not missing: a comparison with NaN is false. */
export const isPresent = (math: Arithmetic, x: Value): Value => math.isAtMost(math.magnitude(x), LARGEST);

/** Shape of the result of two operands, aligned at their last axes. */
function broadcast(a: readonly Size[], b: readonly Size[]): Size[] {
  const rank = Math.max(a.length, b.length);
  const sizeOf = (shape: readonly Size[], axis: number) =>
    axis < rank - shape.length ? 1 : shape[axis - rank + shape.length];
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [sizeOf(a, axis), sizeOf(b, axis)];
    return x === 1 ? y : y === 1 ? x : (x ?? y);
  });
}
