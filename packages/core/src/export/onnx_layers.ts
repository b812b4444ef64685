/**
 * Layers that write ONNX: one more reading of the definition that trains and scores. Maps are [N, channels, height,
 * width] here, as ONNX's convolutions take them; the definition's [N, height, width, channels] shows only where a map is
 * flattened.
 */
import type { ConvOptions, Half, Layers } from '../matcher/layers.ts';
import { UNIT_EPSILON } from '../ops/pixel_norm.ts';
import type { Values } from '../runs/values.ts';
import { convolution, filterOf, type InputChannels } from './onnx_convolution.ts';
import { correlated, peakOf } from './onnx_correlation.ts';
import type { OnnxGraph, Value } from './onnx_graph.ts';

/** @param weights by name, batch normalisation folded in. */
export function onnxLayers(graph: OnnxGraph, weights: ReadonlyMap<string, Values>): Layers<Value> {
  const activated = (x: Value, activation: ConvOptions['activation'] = 'relu'): Value => {
    if (activation === 'relu') return graph.node('Relu', [x], x.shape);
    if (activation === 'linear') return x;
    return graph.node('LeakyRelu', [x], x.shape, { attributes: { alpha: { float: 0.2 } } });
  };
  const vector = (name: string): Value => {
    const { data, shape } = valuesOf(weights, name);
    return graph.weights(name, data, shape);
  };

  return {
    conv(name, x, options) {
      const filter = filterOf(name, valuesOf(weights, `${name}.filter`));
      return activated(convolution(graph, x, filter, vector(`${name}.bias`), options), options.activation);
    },
    // The first half takes the bias along.
    halfConv(name, x, half, options) {
      const filter = filterOf(
        `${name}.${half}`,
        valuesOf(weights, `${name}.filter`),
        inputsOf(half, x.shape[1] as number),
      );
      const bias = half === 'first' ? vector(`${name}.bias`) : undefined;
      return convolution(graph, x, filter, bias, options);
    },
    sumHalves: (_name, first, second, { activation }) =>
      activated(graph.node('Add', [first, second], first.shape), activation),
    dense(name, x, { channels, activation }) {
      const [kernel, bias] = [vector(`${name}.kernel`), vector(`${name}.bias`)];
      return activated(graph.node('Gemm', [x, kernel, bias], [x.shape[0], channels], { name }), activation);
    },
    dropout: (x) => x,
    maxPool(x) {
      const [n, c, h, w] = x.shape;
      const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
      return graph.node('MaxPool', [x], [n, c, h && Math.floor(h / 2), w && Math.floor(w / 2)], { attributes });
    },
    concat(parts) {
      const [n, , ...rest] = parts[0]!.shape;
      const channels = parts.reduce((sum, { shape }) => sum + (shape[1] as number), 0);
      return graph.node('Concat', parts, [n, channels, ...rest], { attributes: { axis: 1 } });
    },
    mean: (x) => overPositions(graph, 'ReduceMean', x),
    max: (x) => overPositions(graph, 'ReduceMax', x),
    flatten(x) {
      const [n, c, h, w] = x.shape;
      const attributes = { perm: [0, 2, 3, 1] };
      const flat = h && w && c ? h * w * c : undefined;
      const inOrder = graph.node('Transpose', [x], [n, h, w, c], { attributes });
      return graph.node('Flatten', [inOrder], [n, flat], { attributes: { axis: 1 } });
    },
    rows: (x, rows) =>
      graph.node('Gather', [x, graph.integers(rows)], [rows.length, ...x.shape.slice(1)], { attributes: { axis: 0 } }),
    add: (a, b) => graph.node('Add', [a, b], a.shape),
    upsample: (x, like) => enlarged(graph, x, like),
    unit(x) {
      const [n, , h, w] = x.shape;
      const squares = graph.node('ReduceSumSquare', [x], [n, 1, h, w], { attributes: { axes: [1], keepdims: 1 } });
      const length = graph.node(
        'Sqrt',
        [graph.node('Add', [squares, graph.scalar(UNIT_EPSILON)], squares.shape)],
        squares.shape,
      );
      return graph.node('Div', [x, length], x.shape);
    },
    correlate: (templates, windows) => correlated(graph, templates, windows),
    peak: (sar, optical, reach) => peakOf(graph, sar, optical, reach),
    scaledLogits(name, x) {
      const scale = graph.scalar(Math.exp(valuesOf(weights, `${name}.logScale`).data[0]!));
      const above = graph.node('Sub', [x, graph.scalar(valuesOf(weights, `${name}.midpoint`).data[0]!)], x.shape);
      const column = (value: Value) => graph.node('Unsqueeze', [value, graph.integers([1])], [value.shape[0], 1]);
      const match = column(graph.node('Mul', [above, scale], x.shape));
      const zeros = graph.node('Mul', [match, graph.scalar(0)], match.shape);
      return graph.node('Concat', [zeros, match], [x.shape[0], 2], { attributes: { axis: 1 } });
    },
  };
}

/** Typed access; every name comes from the architecture, so absence is a slip in this program. */
function valuesOf(weights: ReadonlyMap<string, Values>, name: string): Values {
  const values = weights.get(name);
  if (!values) throw new Error(`the matcher has no tensor "${name}"`);
  return values;
}

/** Input channels of a convolution over two concatenated maps. @param channels those of the half. */
const inputsOf = (half: Half, channels: number): InputChannels => (half === 'first' ? [0, channels] : [-channels]);

/** [N, c, h, w] → [N, c] */
const overPositions = (graph: OnnxGraph, operator: string, x: Value): Value =>
  graph.node(operator, [x], x.shape.slice(0, 2), { attributes: { axes: [2, 3], keepdims: 0 } });

/** Bilinear enlargement, half-pixel centres, to the size of another map, which may be known only when the graph runs. */
function enlarged(graph: OnnxGraph, x: Value, like: Value): Value {
  const sizes = (map: Value, from: number, to: number) => {
    const shape = graph.node('Shape', [map], [4]);
    return graph.node('Slice', [shape, graph.integers([from]), graph.integers([to])], [to - from]);
  };
  const size = graph.node('Concat', [sizes(x, 0, 2), sizes(like, 2, 4)], [4], { attributes: { axis: 0 } });
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  return graph.node('Resize', [x, '', '', size], [...x.shape.slice(0, 2), ...like.shape.slice(2)], { attributes });
}
