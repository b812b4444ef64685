/**
 * How an op of doppel is registered: a kernel name, a gradient, and a reference composed of tfjs ops for `cpu` and
 * `wasm`. `native` and `cuda` register fast kernels of the same names and leave gradient and op as they are.
 */
import * as tf from '@tensorflow/tfjs-core';

export type Inputs = Record<string, tf.Tensor>;
export type Attributes = Record<string, unknown>;

/** A kernel that makes its outputs with tfjs ops (no tape runs inside a kernel). */
export type ReferenceKernel<I, A> = (inputs: I, attrs: A) => tf.Tensor | tf.Tensor[];

const REFERENCE_BACKENDS = ['cpu', 'wasm'] as const;

/** Registers a reference for the backends that have no kernel of their own for this op. */
export function registerReference<I, A>(
  kernelName: string,
  reference: ReferenceKernel<I, A>,
  backends: readonly string[] = REFERENCE_BACKENDS,
): void {
  for (const backendName of backends) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => tf.tidy(() => reference(inputs as unknown as I, attrs as unknown as A)),
    });
  }
}

/** Runs a kernel with one output on the current backend, on the tape. */
export function runKernel<T extends tf.Tensor = tf.Tensor>(name: string, inputs: Inputs, attrs: Attributes): T {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as T;
}

/** Runs a kernel with several outputs. */
export function runKernelMulti(name: string, inputs: Inputs, attrs: Attributes): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as unknown as tf.Tensor[];
}
