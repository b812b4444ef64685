/**
 * DoppelBlend: y = α·a + β·b for many pairs of tensors in one call, where a call for each would cost more than its
 * arithmetic. It has no gradient: for moving averages and penalties, which are not differentiated.
 */
import * as tf from '@tensorflow/tfjs-core';
import { runKernelMulti } from './kernel.ts';

export const BLEND = 'DoppelBlend';

interface Attributes {
  count: number;
  alpha: number;
  beta: number;
}

/** α·aᵢ + β·bᵢ for each i; aᵢ and bᵢ have one shape. */
export function blend(
  a: readonly tf.Tensor[],
  b: readonly tf.Tensor[],
  { alpha, beta }: { alpha: number; beta: number },
): tf.Tensor[] {
  if (a.length !== b.length) throw new Error(`blend: expected ${a.length} tensors b, found ${b.length}`);
  if (a.length === 0) return [];
  const pairs = a.flatMap((tensor, i) => [
    [`a${i}`, tensor],
    [`b${i}`, b[i]!],
  ]);
  return runKernelMulti(BLEND, Object.fromEntries(pairs), { count: a.length, alpha, beta });
}

export function blendReference(inputs: Record<string, tf.Tensor>, { count, alpha, beta }: Attributes): tf.Tensor[] {
  return Array.from({ length: count }, (_, i) =>
    tf.add(tf.mul(inputs[`a${i}`]!, alpha), tf.mul(inputs[`b${i}`]!, beta)),
  );
}
