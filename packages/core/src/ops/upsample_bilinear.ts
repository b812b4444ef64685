/**
 * DoppelUpsampleBilinear: bilinear resizing with half-pixel centres and clamped edges, PyTorch's `interpolate` with
 * align_corners = False. tfjs's own has a gradient for other centres only.
 *
 * Output row o lies at a = (o + ½)·h/oh − ½ of the input, clamped to 0 from below, and is (1 − a + ⌊a⌋)·x[⌊a⌋] +
 * (a − ⌊a⌋)·x[⌊a⌋ + 1]; columns likewise. It is linear in x, so that it can be differentiated any number of times.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernel } from './kernel.ts';
import { fillOnHeap } from './wasm_heap.ts';

export const UPSAMPLE_BILINEAR = 'DoppelUpsampleBilinear';
export const UPSAMPLE_BILINEAR_BACKPROP = 'DoppelUpsampleBilinearBackprop';

type Shape4D = [number, number, number, number];

interface Attributes {
  /** Height and width of the output, in pixels. */
  size: [number, number];
}

interface BackpropAttributes {
  /** Height and width of the input, in pixels. */
  inputSize: [number, number];
}

/** [n, h, w, c] → [n, size[0], size[1], c] */
export function upsampleBilinear(x: tf.Tensor4D, size: readonly [height: number, width: number]): tf.Tensor4D {
  return runKernel(UPSAMPLE_BILINEAR, { x }, { size: [...size] });
}

function backprop(dy: tf.Tensor, inputSize: [number, number]): tf.Tensor {
  return runKernel(UPSAMPLE_BILINEAR_BACKPROP, { dy }, { inputSize });
}

/** Source of an output row or column: two neighbours in the input, and the weight of the second. */
interface Place {
  first: number;
  second: number;
  share: number;
}

function placesOf(inputs: number, outputs: number): Place[] {
  return Array.from({ length: outputs }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * inputs) / outputs - 0.5);
    const first = Math.min(inputs - 1, Math.floor(at));
    return { first, second: Math.min(inputs - 1, first + 1), share: at - first };
  });
}

/** Calls `visit` for each of the four terms of each output pixel: where the channels begin in both maps, and the weight. */
function forEachTerm(
  small: number[],
  [height, width]: readonly [number, number],
  visit: (inputAt: number, outputAt: number, weight: number) => void,
): void {
  const [n, h, w, c] = small as Shape4D;
  const [rows, columns] = [placesOf(h, height), placesOf(w, width)];
  for (let image = 0; image < n; image++) {
    for (const [y, row] of rows.entries()) {
      for (const [x, column] of columns.entries()) {
        const at = ((image * height + y) * width + x) * c;
        const from = (iy: number, ix: number) => ((image * h + iy) * w + ix) * c;
        visit(from(row.first, column.first), at, (1 - row.share) * (1 - column.share));
        visit(from(row.first, column.second), at, (1 - row.share) * column.share);
        visit(from(row.second, column.first), at, row.share * (1 - column.share));
        visit(from(row.second, column.second), at, row.share * column.share);
      }
    }
  }
}

const valuesOf = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;

function resize(y: Float32Array, x: Float32Array, shape: number[], size: [number, number]): void {
  const channels = shape[3]!;
  y.fill(0);
  forEachTerm(shape, size, (from, to, weight) => {
    for (let c = 0; c < channels; c++) y[to + c]! += weight * x[from + c]!;
  });
}

function gather(dx: Float32Array, dy: Float32Array, shape: number[], size: [number, number]): void {
  const channels = shape[3]!;
  dx.fill(0);
  forEachTerm(shape, size, (to, from, weight) => {
    for (let c = 0; c < channels; c++) dx[to + c]! += weight * dy[from + c]!;
  });
}

type Fill = (out: Float32Array, given: Float32Array) => void;

/** Makes a tensor of `shape` from the values of another, by backend. */
type Filler = (given: tf.Tensor, shape: number[], fill: Fill) => tf.Tensor;

const onCpu: Filler = (given, shape, fill) => {
  const out = new Float32Array(tf.util.sizeFromShape(shape));
  fill(out, valuesOf(given));
  return tf.tensor(out, shape);
};

const onHeap: Filler = (given, shape, fill) => fillOnHeap([given], shape, fill);

function forwardOn(filler: Filler) {
  return ({ x }: { x: tf.Tensor4D }, { size }: Attributes): tf.Tensor =>
    filler(x, [x.shape[0], ...size, x.shape[3]], (y, values) => resize(y, values, x.shape, size));
}

function backwardOn(filler: Filler) {
  return ({ dy }: { dy: tf.Tensor4D }, { inputSize }: BackpropAttributes): tf.Tensor => {
    const [n, height, width, c] = dy.shape;
    const shape = [n, ...inputSize, c];
    return filler(dy, shape, (dx, values) => gather(dx, values, shape, [height, width]));
  };
}

/** Reference kernels by backend. */
export const upsampleBilinearReferences = { cpu: forwardOn(onCpu), wasm: forwardOn(onHeap) };
export const upsampleBilinearBackpropReferences = { cpu: backwardOn(onCpu), wasm: backwardOn(onHeap) };

export const upsampleBilinearGradient: Gradient = {
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => backprop(dy as tf.Tensor, x!.shape.slice(1, 3) as [number, number]) }),
};

export const upsampleBilinearBackpropGradient: Gradient = {
  inputsToSave: ['dy'],
  gradFunc: (ddx, [dy]) => ({
    dy: () => upsampleBilinear(ddx as tf.Tensor4D, dy!.shape.slice(1, 3) as [number, number]),
  }),
};
