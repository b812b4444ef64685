/** The gradients are those of tfjs, with less memory on the way and nothing left behind. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { crossEntropy, weightPenalty } from '../../../packages/core/src/matcher/loss.ts';
import { createMatcher } from '../../../packages/core/src/matcher/matcher.ts';
import { conv2d } from '../../../packages/core/src/ops/ops.ts';
import { variableGradients } from '../../../packages/core/src/ops/variable_gradients.ts';

type Grads = { value: tf.Scalar; grads: tf.NamedTensorMap };

function numbers({ value, grads }: Grads): number[][] {
  const out = [
    value,
    ...Object.keys(grads)
      .sort()
      .map((name) => grads[name]!),
  ].map((tensor) => [...tensor.dataSync()]);
  tf.dispose([value, grads]);
  return out;
}

/** Same numbers as tfjs's, and no tensor left behind. */
function agree(f: () => tf.Scalar, variables: tf.Variable[]): void {
  const expected = numbers(tf.variableGrads(f, variables) as Grads);
  const before = tf.memory().numTensors;
  expect(numbers(variableGradients(f, variables))).toEqual(expected);
  expect(tf.memory().numTensors).toBe(before);
}

describe('variable gradients', () => {
  beforeAll(() => selectBackend({ requested: 'wasm' }));

  it('of a matcher', () => {
    const matcher = createMatcher({ preset: 'two-channel', side: 64, sarBands: 1, opticalBands: 1, seed: 4 });
    const x = tf.randomNormal([2, 64, 64, 1], 0, 1, 'float32', 1) as tf.Tensor4D;
    const loss = () =>
      tf.add(
        crossEntropy(matcher.logits(x, x, { training: true, seed: 1, step: 1 }), tf.tensor1d([0, 1], 'int32')),
        weightPenalty(matcher, 1e-3),
      ) as tf.Scalar;
    agree(() => tf.tidy(loss), [...matcher.parameters.values()]);
    matcher.dispose();
    x.dispose();
  });

  it('where one tensor feeds several ops, and gradients are handed through', () => {
    const a = tf.variable(tf.tensor1d([1, 2, 3]));
    const b = tf.variable(tf.tensor1d([4, 5, 6]));
    agree(() => {
      const sum = tf.add(a, b);
      const same = tf.add(sum, sum);
      const three = tf.addN([same, sum, a]);
      return tf.sum(tf.mul(tf.sub(three, b), tf.clone(sum))) as tf.Scalar;
    }, [a, b]);
    agree(() => tf.sum(tf.concat([tf.add(a, b), tf.add(a, b), a])) as tf.Scalar, [a, b]);
    agree(() => {
      const through = tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy) => dy as tf.Tensor }));
      return tf.sum(tf.square(tf.add(through(a), through(tf.mul(a, b))))) as tf.Scalar;
    }, [a, b]);
    tf.dispose([a, b]);
  });

  it('with a gradient inside: double backpropagation', () => {
    const filter = tf.variable(tf.randomNormal([3, 3, 1, 4], 0, 1, 'float32', 3) as tf.Tensor4D);
    const x = tf.randomNormal([2, 6, 6, 1], 0, 1, 'float32', 5) as tf.Tensor4D;
    agree(() => {
      const critic = (image: tf.Tensor) =>
        tf.sum(tf.square(conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, null, { activation: 'leakyrelu' })));
      const gradient = tf.grad(critic)(x);
      return tf.add(tf.sum(tf.square(gradient)), critic(x)) as tf.Scalar;
    }, [filter]);
    tf.dispose([filter, x]);
  });

  it('holds less at its fullest', () => {
    const x = tf.randomNormal([1, 64, 64, 8], 0, 1, 'float32', 6) as tf.Tensor4D;
    const filters = [1, 2, 3, 4, 5, 6].map((seed) =>
      tf.variable(tf.randomNormal([3, 3, 8, 8], 0, 0.1, 'float32', seed) as tf.Tensor4D),
    );
    const peakOf = (gradients: typeof variableGradients) => {
      let peak = 0;
      const watched = tf.customGrad((input) => ({
        value: tf.clone(input as tf.Tensor),
        gradFunc: (dy) => {
          peak = Math.max(peak, tf.memory().numBytes);
          return tf.clone(dy as tf.Tensor);
        },
      }));
      const loss = () => {
        let h = x as tf.Tensor4D;
        for (const filter of filters)
          h = watched(conv2d(h, filter as tf.Tensor4D, null, { activation: 'relu' })) as tf.Tensor4D;
        return tf.sum(h) as tf.Scalar;
      };
      const { value, grads } = gradients(loss, filters);
      tf.dispose([value, grads]);
      return peak;
    };
    expect(peakOf(variableGradients)).toBeLessThan(0.75 * peakOf(tf.variableGrads as typeof variableGradients));
    tf.dispose([x, filters]);
  });
});
