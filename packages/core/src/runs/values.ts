/** Tensors outside of tfjs: how weights and moments go into files and come back. */
import * as tf from '@tensorflow/tfjs-core';

/** Shape and row-major float32 values. */
export interface Values {
  shape: number[];
  data: Float32Array;
}

/** Copies tensors off the backend. */
export async function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Promise<Map<string, Values>> {
  const values = new Map<string, Values>();
  for (const [name, tensor] of tensors) {
    values.set(name, { shape: tensor.shape, data: (await tensor.data()) as Float32Array });
  }
  return values;
}

/** Copies values onto the backend. */
export function tensorsOf(values: ReadonlyMap<string, Values>): Map<string, tf.Tensor> {
  return new Map([...values].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]));
}
