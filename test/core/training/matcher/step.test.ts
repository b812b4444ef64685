/** One step of training: it fits a batch, its gradient is that of loss and penalty, and it leaks nothing. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import { classWeights, crossEntropy, weightPenalty } from '../../../../packages/core/src/matcher/loss.ts';
import { createMatcher } from '../../../../packages/core/src/matcher/matcher.ts';
import { normalNoise } from '../../../../packages/core/src/ops/ops.ts';
import { momentTensors } from '../../../../packages/core/src/runs/moments.ts';
import {
  apply,
  gradientsOf,
  type PairBatch,
  trainingStep,
  zeroMoments,
} from '../../../../packages/core/src/training/matcher/step.ts';
import { selectProcessorBackend } from '../../../backends.ts';

beforeAll(selectProcessorBackend);

const OPTIONS = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-5, seed: 1 };
const LABELS = [1, 1, 0, 0, 0] as const;

function batchOf(): PairBatch {
  return {
    sar: normalNoise([3, 64, 64, 1], { seed: 1, offset: 0 }) as tf.Tensor4D,
    optical: normalNoise([2, 64, 64, 1], { seed: 2, offset: 0 }) as tf.Tensor4D,
    pairing: { sar: [0, 1, 1, 0, 2], optical: [0, 1, 0, 1, 1] },
    labels: tf.tensor1d([...LABELS], 'int32'),
    weights: tf.tensor1d(classWeights(LABELS)),
  };
}

function setUp(preset: string) {
  const matcher = createMatcher({ preset, side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
  const moments = zeroMoments(matcher);
  const batch = batchOf();
  const { sar, optical, labels, weights } = batch;
  const tensors = [sar, optical, labels, weights];
  const tearDown = () => {
    matcher.dispose();
    tf.dispose([...moments.first.values(), ...moments.second.values(), ...tensors]);
  };
  return { matcher, moments, batch, tearDown };
}

it.each(['paper-bn', 'two-channel'] as const)('%s fits a batch that it sees again and again', (preset) => {
  const { matcher, moments, batch, tearDown } = setUp(preset);
  const losses: number[] = [];
  const counts: number[] = [];
  for (let step = 0; step < 12; step++) {
    const { loss, gradientNorm } = trainingStep(matcher, moments, batch, { ...OPTIONS, step });
    losses.push(loss.dataSync()[0]!);
    tf.dispose([loss, gradientNorm]);
    counts.push(tf.memory().numTensors);
  }
  expect(losses.at(-1)).toBeLessThan(0.2);
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 3);
  expect(new Set(counts).size, 'tensors in memory after each step').toBe(1);
  tearDown();
});

/** Σx² in double precision. */
const squaresOf = (x: tf.Tensor) => (x.dataSync() as Float32Array).reduce((sum, value) => sum + value ** 2, 0);

it('takes the gradient of cross-entropy and penalty, whose weights are filters and kernels only', () => {
  const { matcher, moments, batch, tearDown } = setUp('paper');
  const l2 = 0.05;
  for (const [name, variable] of matcher.parameters) {
    if (name.endsWith('bias')) variable.assign(tf.onesLike(variable)); // a penalty on them would show
  }
  const parameters = [...matcher.parameters.values()];
  const expected = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => {
      const logits = matcher.logits(batch.sar, batch.optical, { training: true, seed: 1, step: 0 }, batch.pairing);
      const loss = crossEntropy(logits, batch.labels, batch.weights);
      return tf.add(loss, weightPenalty(matcher, l2)) as tf.Scalar;
    }, parameters);
    return Math.sqrt(Object.values(grads).reduce((sum, grad) => sum + squaresOf(grad), 0));
  });
  const biasesFree = matcher.weightNames.reduce((sum, name) => sum + squaresOf(matcher.parameters.get(name)!), 0) * l2;
  expect(weightPenalty(matcher, l2).dataSync()[0]).toBeCloseTo(biasesFree, 4);
  const { gradientNorm } = trainingStep(matcher, moments, batch, { ...OPTIONS, l2, step: 0 });
  expect(gradientNorm.dataSync()[0]! / expected).toBeCloseTo(1, 5);
  tearDown();
});

it('changes weights, moments and statistics, all of them', () => {
  const { matcher, moments, batch, tearDown } = setUp('paper-bn');
  const all = () => new Map([...matcher.parameters, ...matcher.statistics].map(([name, v]) => [name, v.dataSync()]));
  const before = all();
  trainingStep(matcher, moments, batch, { ...OPTIONS, step: 0 });
  for (const [name, values] of all()) {
    expect(
      values.some((value, i) => value !== before.get(name)![i]),
      name,
    ).toBe(true);
  }
  for (const [name, moment] of moments.first) expect(tf.norm(moment).dataSync()[0], name).toBeGreaterThan(0);
  tearDown();
});

it('is gradients and their application put together, bit for bit', async () => {
  const [whole, halves] = [setUp('paper-bn'), setUp('paper-bn')];
  const hashOf = async (tensors: Iterable<tf.Tensor>) => {
    const hashes: string[] = [];
    for (const tensor of tensors) hashes.push(await sha256(new Uint8Array((await tensor.data()).buffer.slice(0))));
    return hashes.join();
  };
  const stateOf = ({ matcher, moments }: typeof whole) =>
    hashOf([...matcher.parameters.values(), ...matcher.statistics.values(), ...momentTensors(moments)]);
  const { l2, seed, ...update } = { ...OPTIONS, step: 3 };
  const { loss, gradientNorm } = trainingStep(whole.matcher, whole.moments, whole.batch, { ...update, l2, seed });
  const before = await hashOf(halves.matcher.parameters.values());
  const taken = gradientsOf(halves.matcher, halves.batch, { l2, seed, step: 3 });
  expect(await hashOf(halves.matcher.parameters.values()), 'gradients move no parameter').toBe(before);
  const norm = apply(halves.matcher, halves.moments, taken.gradients, update);
  expect(await hashOf([taken.loss, norm])).toBe(await hashOf([loss, gradientNorm]));
  expect(await stateOf(halves)).toBe(await stateOf(whole));
  expect(await stateOf(halves)).not.toContain(before);
  tf.dispose([loss, gradientNorm, norm, taken.loss, taken.gradients]);
  for (const each of [whole, halves]) each.tearDown();
});
