/**
 * How an op of doppel is registered: a kernel name, a gradient, and a reference composed of tfjs ops for `cpu` and
 * `wasm`. `native` and `cuda` register fast kernels of the same names and leave gradient and op as they are.
 */
import * as tf from '@tensorflow/tfjs-core';

export type Inputs = Record<string, tf.Tensor>;
export type Attributes = Record<string, unknown>;

/** A kernel that makes its outputs with tfjs ops (no tape runs inside a kernel). */
export type ReferenceKernel<I, A> = (inputs: I, attrs: A) => tf.Tensor | tf.Tensor[];

/** Gradient of a kernel, as tfjs registers it. */
export type Gradient = Omit<tf.GradConfig, 'kernelName'>;

/** A kernel of doppel's own with what runs it where no faster kernel is, and its gradient if it is ever differentiated. */
export interface OpDefinition {
  kernelName: string;
  references: Readonly<Record<'cpu' | 'wasm', tf.KernelFunc>>;
  gradient?: Gradient;
}

/** @param references for both backends, or one for each. */
export function defineOp<I, A>(
  kernelName: string,
  references: ReferenceKernel<I, A> | Record<'cpu' | 'wasm', ReferenceKernel<I, A>>,
  gradient?: Gradient,
): OpDefinition {
  const { cpu, wasm } = typeof references === 'function' ? { cpu: references, wasm: references } : references;
  return { kernelName, references: { cpu: kernelOf(cpu), wasm: kernelOf(wasm) }, ...(gradient && { gradient }) };
}

function kernelOf<I, A>(reference: ReferenceKernel<I, A>): tf.KernelFunc {
  return ({ inputs, attrs }) => tf.tidy(() => reference(inputs as unknown as I, attrs as unknown as A));
}

/** Registers an op with tfjs. */
export function registerOp({ kernelName, references, gradient }: OpDefinition): void {
  for (const [backendName, kernelFunc] of Object.entries(references)) {
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
  if (gradient) tf.registerGradient({ kernelName, ...gradient });
}

/** Runs a kernel with one output on the current backend, on the tape. */
export function runKernel<T extends tf.Tensor = tf.Tensor>(name: string, inputs: Inputs, attrs: Attributes): T {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as T;
}

/** Runs a kernel with several outputs. */
export function runKernelMulti(name: string, inputs: Inputs, attrs: Attributes): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as unknown as tf.Tensor[];
}
