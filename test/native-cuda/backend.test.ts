/** The backend itself: no fallback in a training step, memory that does not grow, errors that explain, several workers. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { type AddonBackend, NativeOpError } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { generatorStep, lossValues } from '../../packages/core/src/generator/architectures/progressive/step.ts';
import { createGenerator, zeroGeneratorMoments } from '../../packages/core/src/generator/generator.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { crossEntropy, weightPenalty } from '../../packages/core/src/matcher/loss.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import {
  adam,
  avgPool,
  batchNorm,
  conv2d,
  dense,
  dropout,
  maxPool,
  minibatchStddev,
  normalNoise,
  pixelNorm,
  reparameterize,
  softmaxCrossEntropy,
  upsampleNearest,
} from '../../packages/core/src/ops/ops.ts';
import { addonFile, skipReason, title, useNative, useThreads } from './addon.ts';

interface State {
  parameters: tf.Tensor[];
  first: tf.Tensor[];
  second: tf.Tensor[];
}

function stateOf(shapes: number[][]): State {
  const parameters = shapes.map((shape, i) => tf.randomNormal(shape, 0, 0.1, 'float32', i + 1));
  return { parameters, first: parameters.map((p) => tf.zerosLike(p)), second: parameters.map((p) => tf.zerosLike(p)) };
}

/** One step of Adam on a loss of the parameters; gives the loss and replaces the state. */
function stepOf(
  state: State,
  step: number,
  loss: (...parameters: tf.Tensor[]) => tf.Scalar,
): { state: State; value: number } {
  const { value, grads } = tf.valueAndGrads(loss as (...t: tf.Tensor[]) => tf.Tensor)(state.parameters);
  const next = adam({ ...state, gradients: grads, step, learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const read = value.dataSync()[0]!;
  tf.dispose([grads, value, state.parameters, state.first, state.second]);
  return { state: next, value: read };
}

/** Convolutions with batch normalisation, pooling, dropout, L2: what the matchers are made of. */
function matcherLoss(x: tf.Tensor4D, labels: tf.Tensor1D, step: number) {
  return (...w: tf.Tensor[]) => {
    const [f1, b1, f2, gamma, beta, f3, k1, kb1, k2, kb2] = w as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor4D,
      tf.Tensor2D,
      tf.Tensor1D,
      tf.Tensor2D,
      tf.Tensor1D,
    ];
    let h = maxPool(conv2d(x, f1, b1, { activation: 'relu', inputGradient: false }));
    h = batchNorm(conv2d(h, f2, null), gamma, beta, { activation: 'relu' }).y;
    h = conv2d(tf.concat([h, h], 3), f3, null, { strides: 2, activation: 'relu' });
    const flat = tf.reshape(h, [x.shape[0], -1]) as tf.Tensor2D;
    const hidden = dropout(dense(flat, k1, kb1, { activation: 'relu' }), { rate: 0.5, seed: 3, offset: step * 1000 });
    const l2 = w
      .filter(({ rank }) => rank > 1)
      .map((each) => tf.sum(tf.square(each)))
      .reduce((a, b) => tf.add(a, b));
    return tf.add(tf.mean(softmaxCrossEntropy(dense(hidden, k2, kb2), labels)), tf.mul(l2, 1e-3)) as tf.Scalar;
  };
}

const MATCHER_SHAPES = [
  [3, 3, 1, 32],
  [32],
  [3, 3, 32, 32],
  [32],
  [32],
  [3, 3, 64, 16],
  [4 * 4 * 16, 24],
  [24],
  [24, 2],
  [2],
];

/** Encoder, decoder and a critic with gradient penalty: what the generator is made of, double backpropagation included. */
function generatorLoss(x: tf.Tensor4D, step: number) {
  return (...w: tf.Tensor[]) => {
    const [gray, conv, last, k] = w as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor2D];
    const critic = (image: tf.Tensor4D) => {
      const h = avgPool(
        conv2d(conv2d(image, gray, null, { activation: 'leakyrelu' }), conv, null, { activation: 'leakyrelu' }),
      );
      const features = conv2d(minibatchStddev(h), last, null, { activation: 'leakyrelu' });
      return tf.matMul(tf.reshape(features, [x.shape[0], -1]) as tf.Tensor2D, k);
    };
    const { z, kl } = reparameterize(
      tf.slice(critic(x), [0, 0], [-1, 4]) as tf.Tensor2D,
      tf.slice(critic(x), [0, 4], [-1, 4]) as tf.Tensor2D,
      { seed: 5, offset: step * 100 },
    );
    const up = upsampleNearest(pixelNorm(tf.reshape(tf.tile(z, [1, 16]), [x.shape[0], 4, 4, 4]) as tf.Tensor4D));
    const mix = tf.add(x, tf.mul(normalNoise(x.shape, { seed: 6, offset: step * 1000 }), 0.1)) as tf.Tensor4D;
    const gradient = tf.grad((image) => tf.sum(critic(image as tf.Tensor4D)))(mix);
    const norm = tf.sqrt(tf.add(tf.sum(tf.square(gradient), [1, 2, 3]), 1e-12));
    return tf.addN([tf.mean(tf.square(tf.sub(norm, 1))), tf.mean(kl), tf.mean(tf.square(up))]) as tf.Scalar;
  };
}

// Garbage says nothing of a leak: it is collected before memory is counted.
setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

/** Tensors, the device's memory, and what JavaScript holds on to. */
function memory({ device }: AddonBackend) {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { tensors: tf.memory().numTensors, ...device.memory(), script: heapUsed + external };
}

/** A leak of 4 KB a step would show. */
function expectSameMemory(after: ReturnType<typeof memory>, before: ReturnType<typeof memory>, steps: number) {
  expect({ ...after, script: 0 }).toEqual({ ...before, script: 0 });
  expect(after.script - before.script).toBeLessThan(4096 * steps);
}

describe.skipIf(skipReason)(title('the backend native'), () => {
  let native: AddonBackend;
  beforeAll(async () => {
    native = await useNative();
  });

  it('trains a matcher with no fallback and only the loss read back', () => {
    const x = tf.randomNormal([8, 16, 16, 1], 0, 1, 'float32', 7) as tf.Tensor4D;
    const labels = tf.tensor1d([0, 1, 0, 1, 1, 0, 1, 0], 'int32');
    let { state } = stepOf(stateOf(MATCHER_SHAPES), 1, matcherLoss(x, labels, 1));
    native.fallbacks.clear();
    const down = native.transfers.down;
    const losses: number[] = [];
    for (let step = 2; step < 40; step++) {
      const done = stepOf(state, step, matcherLoss(x, labels, step));
      state = done.state;
      losses.push(done.value);
    }
    expect([...native.fallbacks]).toEqual([]);
    expect(native.transfers.down - down).toBe(losses.length * 4);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    tf.dispose([state.parameters, state.first, state.second, x, labels]);
  });

  it('trains generator and critic with no fallback, double backpropagation included', () => {
    const x = tf.randomNormal([4, 8, 8, 1], 0, 1, 'float32', 8) as tf.Tensor4D;
    let state = stateOf([
      [1, 1, 1, 16],
      [3, 3, 16, 16],
      [3, 3, 17, 16],
      [4 * 4 * 16, 8],
    ]);
    native.fallbacks.clear();
    for (let step = 1; step < 4; step++) ({ state } = stepOf(state, step, generatorLoss(x, step)));
    expect([...native.fallbacks]).toEqual([]);
    tf.dispose([state.parameters, state.first, state.second, x]);
  });

  it.each(ARCHITECTURES.names())('trains the preset %s with no fallback', (preset) => {
    const matcher = createMatcher({ preset, side: 64, sarBands: 1, opticalBands: 1, seed: 4 });
    const [sar, optical] = [9, 10].map(
      (seed) => tf.randomNormal([4, 64, 64, 1], 0, 1, 'float32', seed) as tf.Tensor4D,
    ) as [tf.Tensor4D, tf.Tensor4D];
    const labels = tf.tensor1d([0, 1, 0, 1], 'int32');
    const step = (number: number) => {
      const { value, grads } = tf.variableGrads(
        () =>
          tf.add(
            crossEntropy(matcher.logits(sar, optical, { training: true, seed: 1, step: number }), labels),
            weightPenalty(matcher, 1e-3),
          ) as tf.Scalar,
        [...matcher.parameters.values()],
      );
      tf.dispose([value, grads]);
    };
    step(1);
    native.fallbacks.clear();
    const buffers = native.device.memory().buffers;
    for (let number = 2; number < 5; number++) step(number);
    tf.tidy(() => void matcher.logits(sar, optical, { training: false }));
    expect([...native.fallbacks]).toEqual([]);
    expect(native.device.memory().buffers).toBe(buffers);
    matcher.dispose();
    tf.dispose([sar, optical, labels]);
  });

  it('does not grow over 1,000 steps', () => {
    const x = tf.randomNormal([2, 16, 16, 1]) as tf.Tensor4D;
    const labels = tf.tensor1d([0, 1], 'int32');
    let state = stateOf(MATCHER_SHAPES);
    const run = (from: number, count: number) => {
      for (let step = from; step < from + count; step++)
        ({ state } = stepOf(state, step, matcherLoss(x, labels, step)));
    };
    run(1, 50);
    const before = memory(native);
    run(51, 1000);
    expectSameMemory(memory(native), before, 1000);
    tf.dispose([state.parameters, state.first, state.second, x, labels]);
  });

  it('does not grow over 200 steps of the generator', { timeout: 300_000 }, async () => {
    const generator = createGenerator({ side: 8, latent: 4, channels: { base: 16, max: 6 }, seed: 5 });
    const moments = zeroGeneratorMoments(generator);
    const batch = tf.randomNormal([4, 8, 8, 1], 0, 1, 'float32', 8) as tf.Tensor4D;
    const options = { objective: 'vae-gan', stage: 1, alpha: 1, seed: 7, momentWeight: 1 } as const;
    const run = async (from: number, count: number) => {
      for (let step = from; step < from + count; step++)
        await lossValues(generatorStep(generator, moments, batch, { ...options, step }));
    };
    const threads = useThreads(1); // many small kernels: handing them over would cost more than they do
    try {
      await run(0, 100);
      const before = memory(native);
      await run(100, 200);
      expectSameMemory(memory(native), before, 200);
    } finally {
      useThreads(threads);
    }
    generator.dispose();
    tf.dispose([batch, ...moments.first.values(), ...moments.second.values()]);
  });

  it('gives a tensor’s memory back at once and counts it', () => {
    const memory = () => tf.memory() as unknown as { nativeBytes: number; poolBytes: number };
    const before = memory().nativeBytes;
    const x = tf.zeros([1000, 1000]);
    expect(memory().nativeBytes - before).toBeGreaterThanOrEqual(4e6);
    expect(memory().poolBytes).toBeGreaterThanOrEqual(memory().nativeBytes);
    x.dispose();
    expect(memory().nativeBytes).toBe(before);
  });

  it('explains a failure by op, shapes and cause, and lives on', () => {
    const x = tf.zeros([1, 4, 4, 2]);
    const filter = tf.zeros([3, 3, 2, 8]);
    const info = { shape: [1, 4, 4, 8], dtype: 'float32' as const };
    const shape = {
      n: 1,
      h: 4,
      w: 4,
      ci: 2,
      kh: 3,
      kw: 3,
      co: 16,
      oh: 4,
      ow: 4,
      stride: 1,
      dilation: 1,
      top: 1,
      left: 1,
    };
    const attrs = { ...shape, activation: 'linear', exact: false, precision: 'fp32' };
    const buffers = native.device.memory().buffers;
    const run = () => native.run('conv2d', { x, filter, bias: null }, { y: info }, attrs);
    expect(run).toThrow(NativeOpError);
    expect(run).toThrow(
      /native op conv2d on x float32\[1×4×4×2\], filter float32\[3×3×2×8\], bias none → y .*conv2d: the field filter has 576 bytes where its shape needs 1152/,
    );
    expect(() => native.run('conf2d', {}, {})).toThrow(/there is no op "conf2d"; there are .*conv2d/);
    expect(() => native.device.allocate(2 ** 50)).toThrow(/out of memory: 1125899906842624 bytes asked for/);
    expect(native.device.memory().buffers).toBe(buffers);
    expect(tf.sum(x).dataSync()[0]).toBe(0);
    tf.dispose([x, filter]);
  });

  it('serves several workers of one process at once', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { Device, fields: listFields } = require(workerData.file);
      const device = new Device('native', '');
      const n = 200;
      const make = (fill) => device.hold(new Float32Array(n * n).fill(fill));
      const [a, b, y] = [make(workerData.value), make(2), make(0)];
      const fields = { a, b, bias: null, y, batch: 1, m: n, k: n, n, transposeA: false, transposeB: false, broadcastA: false, broadcastB: false, activation: 'linear', precision: 'fp32' };
      const values = listFields().matmul.map((name) => fields[name]);
      const out = new Float32Array(n * n);
      let right = true;
      for (let i = 0; i < 200; i++) {
        device.runInOrder('matmul', values);
        device.download(y, out);
        right &&= out.every((v) => v === workerData.value * 2 * n);
      }
      parentPort.postMessage(right);`;
    const answers = [1, 2, 3, 4].map(
      (value) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true, workerData: { file: addonFile, value } });
          worker.on('message', resolve);
          worker.on('error', reject);
          worker.on('exit', () => reject(new Error('the worker ended without an answer')));
        }),
    );
    expect(await Promise.all(answers)).toEqual([true, true, true, true]);
  });
});
