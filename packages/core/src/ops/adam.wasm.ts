/**
 * DoppelAdam on `wasm`: one pass over the heap for each parameter. Composed of tfjs ops it would be twelve passes, a
 * constant cost that a small batch feels.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { AdamAttributes } from './adam.ts';
import { fillTogetherOnHeap } from './wasm_heap.ts';

export function adamWasm(inputs: Record<string, tf.Tensor>, attrs: AdamAttributes): tf.Tensor[] {
  const updated = Array.from({ length: attrs.count }, (_, i) => {
    const [p, g, m, v] = ['p', 'g', 'm', 'v'].map((letter) => inputs[letter + i]!) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const rate = inputs.rate ? [inputs.rate] : [];
    return fillTogetherOnHeap([p, g, m, v, ...rate], [p.shape, p.shape, p.shape], (outputs, given) => {
      const learningRate = attrs.learningRate * (given[4]?.[0] ?? 1);
      move(outputs as Three, given.slice(0, 4) as Four, { ...attrs, learningRate });
    });
  });
  return [0, 1, 2].flatMap((kind) => updated.map((tensors) => tensors[kind]!));
}

type Three = [Float32Array, Float32Array, Float32Array];
type Four = [Float32Array, Float32Array, Float32Array, Float32Array];

function move([parameter, first, second]: Three, [p, g, m, v]: Four, attrs: AdamAttributes): void {
  const { step, learningRate, beta1, beta2, epsilon } = attrs;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const [fresh1, fresh2] = [1 - beta1, 1 - beta2];
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]!;
    const mean = beta1 * m[i]! + fresh1 * gradient;
    const square = beta2 * v[i]! + fresh2 * gradient * gradient;
    first[i] = mean;
    second[i] = square;
    parameter[i] = p[i]! - (rate * mean) / (Math.sqrt(square) * correction + epsilon);
  }
}
