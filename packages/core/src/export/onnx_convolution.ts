/**
 * Convolutions with "same" padding as TensorFlow defines it: ⌈size / strides⌉ outputs, and where the padding is odd, the
 * pixel more at the end. Stride 2 over an even side pads 0 before and 1 after.
 */
import type { ConvOptions } from '../matcher/layers.ts';
import type { Values } from '../runs/values.ts';
import type { Attribute, OnnxGraph, Size, Value } from './onnx_graph.ts';

/** A filter in ONNX's order, [to, from, height, width]. */
export interface Filter {
  name: string;
  data: Float32Array;
  shape: [number, number, number, number];
}

/** First and end of a range of channels, as `slice` takes them. */
export type InputChannels = readonly [from: number, to?: number];

/** The filter of a layer, [height, width, from, to], or the part of it for some input channels. */
export function filterOf(name: string, { data, shape }: Values, inputs?: InputChannels): Filter {
  const [h, w, from, to] = shape as [number, number, number, number];
  const channels = Array.from({ length: from }, (_, i) => i).slice(...(inputs ?? [0]));
  const taps = h * w;
  const ordered = new Float32Array(to * channels.length * taps);
  for (let o = 0; o < to; o++) {
    for (const [i, channel] of channels.entries()) {
      for (let tap = 0; tap < taps; tap++) {
        ordered[(o * channels.length + i) * taps + tap] = data[(tap * from + channel) * to + o]!;
      }
    }
  }
  return { name, data: ordered, shape: [to, channels.length, h, w] };
}

/** Convolution and bias, without activation: [n, from, h, w] → [n, to, ⌈h/strides⌉, ⌈w/strides⌉] */
export function convolution(
  graph: OnnxGraph,
  x: Value,
  filter: Filter,
  bias: Value | undefined,
  { strides = 1, dilations = 1 }: Pick<ConvOptions, 'strides' | 'dilations'>,
): Value {
  const [to, , ...kernel] = filter.shape;
  const [n, , ...sizes] = x.shape;
  const weights = graph.weights(`${filter.name}.filter`, filter.data, filter.shape);
  const attributes = {
    kernel_shape: kernel,
    strides: [strides, strides],
    dilations: [dilations, dilations],
    ...padding(sizes, kernel, strides, dilations),
  };
  const shape = [n, to, ...sizes.map((size) => size && Math.ceil(size / strides))];
  return graph.node('Conv', bias ? [x, weights, bias] : [x, weights], shape, { name: filter.name, attributes });
}

/** Pads before and after both axes; they depend on the size where the stride is not 1. */
function padding(
  sizes: readonly Size[],
  kernel: readonly number[],
  strides: number,
  dilations: number,
): Record<string, Attribute> {
  const totals = sizes.map((size, axis) => {
    const reach = (kernel[axis]! - 1) * dilations + 1;
    if (strides === 1) return reach - 1;
    return size && Math.max(0, (Math.ceil(size / strides) - 1) * strides + reach - size);
  });
  if (totals.some((total) => total === undefined)) return { auto_pad: 'SAME_UPPER' };
  const before = totals.map((total) => Math.floor(total! / 2));
  return { pads: [...before, ...totals.map((total, axis) => total! - before[axis]!)] };
}
