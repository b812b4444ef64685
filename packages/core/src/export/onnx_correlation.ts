/** Correlations of unit cells, out of products of matrices and slices. */
import type { OnnxGraph, Value } from './onnx_graph.ts';

/** Templates [T, c, h, w] at every place of windows [W, c, H, V]: → [T, W, H − h + 1, V − w + 1]. */
export function correlated(graph: OnnxGraph, templates: Value, windows: Value): Value {
  const [t, , h, w] = templates.shape;
  const [n, , height, width] = windows.shape;
  const places = [height && h && height - h + 1, width && w && width - w + 1];
  const products = graph.node('Conv', [windows, templates], [n, t, ...places]); // templates are its filters
  const maps = graph.node('Transpose', [products], [t, n, ...places], { attributes: { perm: [1, 0, 2, 3] } });
  return graph.node('Div', [maps, cellsOf(graph, templates)], maps.shape);
}

/** Number of positions of a map, as a float. */
function cellsOf(graph: OnnxGraph, map: Value): Value {
  const sizes = graph.node('Slice', [graph.node('Shape', [map], [4]), graph.integers([2]), graph.integers([4])], [2]);
  const count = graph.node('ReduceProd', [sizes], [], { attributes: { keepdims: 0 } });
  return graph.node('Cast', [count], [], { attributes: { to: 1 } });
}

/**
 * Largest mean product of maps [N, c, h, w] of known height and width, at displacements up to `reach`: → [N].
 *
 * For a displacement of i rows, one product of matrices over rows and channels, M[x, v] = Σ_{y,c} a[y, x, c] ·
 * b[y + i, v, c], holds every pair of columns; those j apart, M[x, x + j], are summed over x.
 */
export function peakOf(graph: OnnxGraph, a: Value, b: Value, reach: number): Value {
  const [, c, h, w] = a.shape as (number | undefined)[];
  if (!c || !h || !w) throw new Error('a peak needs maps whose sizes are known');
  const [n, wide, span] = [undefined, w + 2 * reach, 2 * reach + 1];
  const reshape = (x: Value, sizes: number[]) =>
    graph.node('Reshape', [x, graph.integers([-1, ...sizes])], [n, ...sizes]);
  const slice = (x: Value, axis: number, from: number, to: number, sizes: number[]) =>
    graph.node('Slice', [x, ...[[from], [to], [axis]].map((each) => graph.integers(each))], [n, ...sizes]);

  const columns = graph.node('Transpose', [a], [n, w, h, c], { attributes: { perm: [0, 3, 2, 1] } });
  const left = reshape(columns, [w, h * c]);
  const pads = [0, 0, reach, reach, 0, 0, reach, reach];
  const padded = graph.node('Pad', [b, graph.integers(pads)], [n, c, h + 2 * reach, wide]);
  const rows = graph.node('Transpose', [padded], [n, h + 2 * reach, c, wide], { attributes: { perm: [0, 2, 1, 3] } });
  const products = Array.from({ length: span }, (_, i) => {
    const right = reshape(slice(rows, 1, i, i + h, [h, c, wide]), [h * c, wide]);
    return reshape(graph.node('MatMul', [left, right], [n, w, wide]), [1, w * wide]);
  });

  // A row longer by one shifts each next row by one: what lay on a diagonal lies in a column.
  const all = graph.node('Concat', products, [n, span, w * wide], { attributes: { axis: 1 } });
  const longer = graph.node('Pad', [all, graph.integers([0, 0, 0, 0, 0, w])], [n, span, w * (wide + 1)]);
  const diagonals = slice(reshape(longer, [span, w, wide + 1]), 3, 0, span, [span, w, span]);
  const sums = graph.node('ReduceSum', [diagonals, graph.integers([2])], [n, span, span], {
    attributes: { keepdims: 0 },
  });
  const peak = graph.node('ReduceMax', [sums], [n], { attributes: { axes: [1, 2], keepdims: 0 } });
  return graph.node('Mul', [peak, graph.scalar(1 / (h * w))], [n]);
}
