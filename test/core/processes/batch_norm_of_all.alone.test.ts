/** Memory of batch normalisation over processes: what is held at the end of the backward pass. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { batchNorm, normalNoise } from '../../../packages/core/src/ops/ops.ts';
import { variableGradients } from '../../../packages/core/src/ops/variable_gradients.ts';
import { batchNormOfAll } from '../../../packages/core/src/processes/batch_norm_of_all.ts';
import type { Communicator } from '../../../packages/core/src/processes/communicator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const LAYERS = 6;
const SHAPE = [2, 16, 16, 32];
const ACTIVATION = 65_536; // bytes

/** Two processes with the same rows. */
const twins: Communicator = {
  ...{ rank: 0, size: 2, allGather: (bytes) => [bytes, bytes.slice()] },
  allReduce(values) {
    for (let i = 0; i < values.length; i++) values[i]! *= 2;
  },
};

type Norm = (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor4D;

/** Bytes that are held, more than at first, when the backward pass has come to the input of the layers. */
function heldAtTheEnd(norm: Norm): number {
  const input = tf.variable(tf.tidy(() => normalNoise(SHAPE, { seed: 1, offset: 0 })));
  const [gamma, beta] = [tf.ones([32]) as tf.Tensor1D, tf.zeros([32]) as tf.Tensor1D];
  const before = tf.memory().numBytes;
  let held = 0;
  const first = tf.customGrad((x) => ({
    value: (x as tf.Tensor).clone(),
    gradFunc(dy: tf.Tensor) {
      held = tf.memory().numBytes - before;
      return dy.clone();
    },
  }));
  tf.tidy(() => {
    variableGradients(() => {
      let y = first(input) as tf.Tensor4D;
      for (let i = 0; i < LAYERS; i++) y = norm(y, gamma, beta);
      return tf.mean(tf.square(y)) as tf.Scalar;
    }, [input]);
  });
  tf.dispose([input, gamma, beta]);
  return held;
}

it('holds no activation more than batch normalisation in one process', () => {
  const one = heldAtTheEnd((x, gamma, beta) => batchNorm(x, gamma, beta).y);
  const all = heldAtTheEnd((x, gamma, beta) => batchNormOfAll(x, gamma, beta, {}, twins).y);
  expect(one).toBeGreaterThan(0);
  expect(all - one).toBeLessThan(ACTIVATION);
});
