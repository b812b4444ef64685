/**
 * DoppelAdam: one step of Adam over all parameters in one call, with bias correction as in torch.optim.Adam.
 * Kingma and Ba, Adam (ICLR 2015), algorithm 1.
 *
 *   m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  p ← p − η/(1 − β₁ᵗ) · m / (√(v/(1 − β₂ᵗ)) + ε)
 */
import * as tf from '@tensorflow/tfjs-core';
import { runKernelMulti } from './kernel.ts';

export const ADAM = 'DoppelAdam';

export interface AdamHyperparameters {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

export interface AdamStep extends AdamHyperparameters {
  parameters: readonly tf.Tensor[];
  gradients: readonly tf.Tensor[];
  /** Moving mean of the gradients, of the parameters' shapes. */
  first: readonly tf.Tensor[];
  /** Moving mean of their squares. */
  second: readonly tf.Tensor[];
  /** Number of the step, from 1. */
  step: number;
  /** Factor of the learning rate, where a captured step is to change it from replay to replay. */
  rate?: tf.Scalar | undefined;
}

export interface AdamResult {
  parameters: tf.Tensor[];
  first: tf.Tensor[];
  second: tf.Tensor[];
}

/** Attributes of the kernel beside its tensors p0, g0, m0, v0, p1 … and `rate`. */
export type AdamAttributes = AdamHyperparameters & { count: number; step: number };

export function adam({ parameters, gradients, first, second, rate, ...attrs }: AdamStep): AdamResult {
  const count = parameters.length;
  const inputs: Record<string, tf.Tensor> = {};
  for (const [letter, tensors] of Object.entries({ p: parameters, g: gradients, m: first, v: second })) {
    if (tensors.length !== count)
      throw new Error(`adam: expected ${count} tensors of kind ${letter}, found ${tensors.length}`);
    tensors.forEach((tensor, i) => {
      inputs[`${letter}${i}`] = tensor;
    });
  }
  if (rate) inputs.rate = rate;
  const { learningRate, beta1, beta2, epsilon, step } = attrs;
  const updated = runKernelMulti(ADAM, inputs, { count, step, learningRate, beta1, beta2, epsilon });
  return {
    parameters: updated.slice(0, count),
    first: updated.slice(count, 2 * count),
    second: updated.slice(2 * count),
  };
}

export function adamReference(inputs: Record<string, tf.Tensor>, attrs: AdamAttributes): tf.Tensor[] {
  const { count, step, learningRate, beta1, beta2, epsilon } = attrs;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = Math.sqrt(1 - beta2 ** step);
  const results: [tf.Tensor, tf.Tensor, tf.Tensor][] = [];
  for (let i = 0; i < count; i++) {
    const [p, g, m, v] = ['p', 'g', 'm', 'v'].map((letter) => inputs[letter + i]!) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    results.push(
      tf.tidy(() => {
        const first = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
        const second = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
        const denominator = tf.add(tf.div(tf.sqrt(second), correction), epsilon);
        const moved = tf.mul(tf.div(first, denominator), rate);
        return [tf.sub(p, inputs.rate ? tf.mul(moved, inputs.rate) : moved), first, second];
      }) as [tf.Tensor, tf.Tensor, tf.Tensor],
    );
  }
  return [0, 1, 2].flatMap((kind) => results.map((result) => result[kind]!));
}
