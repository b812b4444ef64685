/**
 * Reading and writing the wasm backend's heap from JavaScript, for the few reorderings that its kernels lack or do
 * slowly. A view dies when the heap grows: take it after every allocation, and do not keep it.
 */
import * as tf from '@tensorflow/tfjs-core';

interface HeapBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

const heapBackend = () => tf.backend() as unknown as HeapBackend;

/** Makes a tensor of `shape` and lets `fill` write it from the inputs' elements (all float32). */
export function fillOnHeap(
  inputs: readonly tf.TensorInfo[],
  shape: number[],
  fill: (out: Float32Array, ...inputs: Float32Array[]) => void,
): tf.Tensor {
  return fillTogetherOnHeap(inputs, [shape], ([out], given) => fill(out!, ...given))[0]!;
}

/** The same for several tensors at once. */
export function fillTogetherOnHeap(
  inputs: readonly tf.TensorInfo[],
  shapes: readonly number[][],
  fill: (outputs: Float32Array[], inputs: Float32Array[]) => void,
): tf.Tensor[] {
  const backend = heapBackend();
  const outputs = shapes.map((shape) => backend.makeOutput(shape, 'float32'));
  const view = (tensor: tf.TensorInfo) => backend.typedArrayFromHeap(tensor);
  fill(outputs.map(view), inputs.map(view));
  return outputs.map((output) => tf.engine().makeTensorFromTensorInfo(output));
}
