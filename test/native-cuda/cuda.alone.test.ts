/** The device `cuda`, by the emulator: what a training step runs and copies, precisions, orders of blocks, and how it fails. */

import { type AddonBackend, type Device, EMULATED_ADDON, EMULATED_CUDA, loadAddon } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { relativeError } from '../../packages/core/src/base/tolerance.ts';
import {
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
} from '../../packages/core/src/generator/architectures/progressive/step.ts';
import { createGenerator, zeroGeneratorMoments } from '../../packages/core/src/generator/generator.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { crossEntropy, weightPenalty } from '../../packages/core/src/matcher/loss.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { networkOf } from '../../packages/core/src/matcher/network_layers.ts';
import { runKernelMulti } from '../../packages/core/src/ops/kernel.ts';
import { adam, conv2d } from '../../packages/core/src/ops/ops.ts';
import { cardSkipReason, emulatorSkipReason, skipReason, title, useDevice } from './addon.ts';

const normal = <T extends tf.Tensor = tf.Tensor4D>(shape: number[], seed: number) =>
  tf.randomNormal(shape, 0, 1, 'float32', seed) as unknown as T;

const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));

/** What `f` copies between host and device, in bytes. */
async function copiesOf(backend: AddonBackend, f: () => void | Promise<void>) {
  const before = { ...backend.transfers };
  await f();
  return { up: backend.transfers.up - before.up, down: backend.transfers.down - before.down };
}

function newDevice(): Device {
  const loaded = loadAddon([EMULATED_ADDON]);
  if (!loaded.available) throw new Error(loaded.reason);
  return new loaded.addon.Device('cuda', 0);
}

/** What a convolution's backward pass gives, of a shape whose product by filter is split along the pixels. */
function convolutionGradients(activation: 'relu' | 'leakyrelu', outputs: string[]) {
  return tf.tidy(() => {
    const [x, filter, dy] = [normal([2, 20, 20, 8], 6), normal([3, 3, 8, 12], 7), normal([2, 20, 20, 12], 8)];
    const attrs = { strides: 1, dilations: 1, pad: 'same', activation, leakyreluAlpha: 0.2 } as const;
    const y = conv2d(x, filter, normal<tf.Tensor1D>([12], 9), attrs);
    const gradients = runKernelMulti('DoppelConv2DBackprop', { dy, x, filter, y }, { ...attrs, outputs });
    return gradients.map((tensor) => tensor.dataSync<'float32'>().slice());
  });
}

const ENVIRONMENT = ['DOPPEL_EMULATOR_ORDER', 'DOPPEL_EMULATOR_BYTES', 'DOPPEL_EMULATOR_LOSE'];

/** Value and gradients of a convolution, 12 → 20 channels. */
const convolution = () =>
  tf.tidy(() => {
    const [x, filter] = [normal([2, 9, 10, 12], 1), normal([3, 3, 12, 20], 2)];
    const { value, grads } = tf.valueAndGrads((x, filter) =>
      tf.sum(tf.square(conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, null, { activation: 'leakyrelu' }))),
    )([x, filter]);
    return [conv2d(x, filter, null), value, ...grads].map((tensor) => tensor.dataSync<'float32'>().slice());
  });

/** What is summed over many elements, by blocks that could come in any order. */
const sums = () =>
  tf.tidy(() => {
    const x = normal([2, 17, 16, 12], 3);
    const long = normal<tf.Tensor2D>([3, 20000], 4);
    const results = [tf.sum(long), tf.mean(x, [0, 1, 2]), tf.softmax(normal<tf.Tensor2D>([40, 5], 5)), tf.max(long, 1)];
    const gradients = convolutionGradients('leakyrelu', ['dx', 'dfilter', 'dbias']);
    return [...convolution(), ...gradients, ...results.map((tensor) => tensor.dataSync<'float32'>().slice())];
  });

describe.each([
  ['cuda', cardSkipReason],
  [EMULATED_CUDA, emulatorSkipReason],
] as const)('the device %s', (device, reason) => {
  describe.skipIf(reason)(title('trains, rounds and reads', reason), { timeout: 300_000 }, () => {
    let cuda: AddonBackend;
    beforeEach(async () => {
      cuda = await useDevice(device);
    });

    // The emulator takes ten seconds for a step of the widest networks.
    const isSlow = (preset: string) => device === EMULATED_CUDA && preset.startsWith('paper');
    it.for(ARCHITECTURES.names())(
      'trains the matcher %s: no fallback, the batch up and the loss down',
      async (preset, { skip }) => {
        skip(isSlow(preset) && !process.env.DOPPEL_TEST_ALL, 'slow on the emulator: `npm test -- --all`');
        const side = preset === 'dense' ? 32 : 64; // the others take none smaller
        const matcher = createMatcher({ preset, side, sarBands: 1, opticalBands: 1, seed: 4 });
        // Descriptors, where they have parameters of their own, are no part of the logits.
        const met = new Set(networkOf(matcher.config).flatMap(({ parameters: own }) => own.map(({ name }) => name)));
        const named = [...matcher.parameters].filter(([name]) => met.has(name));
        const parameters = named.map(([, variable]) => variable);
        let moments = [0, 1].map(() => parameters.map(({ shape }) => tf.zeros(shape) as tf.Tensor));
        const step = async (number: number) => {
          const batch = {
            sar: ramp(side * side),
            optical: ramp(side * side),
            labels: new Int32Array([1]),
          };
          const loss = tf.tidy(() => {
            const [sar, optical] = [batch.sar, batch.optical].map((values) => tf.tensor4d(values, [1, side, side, 1]));
            const labels = tf.tensor1d(batch.labels, 'int32');
            const { value, grads } = tf.variableGrads(
              () =>
                tf.add(
                  crossEntropy(matcher.logits(sar!, optical!, { training: true, seed: 1, step: number }), labels),
                  weightPenalty(matcher, 1e-3),
                ) as tf.Scalar,
              parameters,
            );
            const updated = adam({
              parameters,
              gradients: parameters.map(({ name }) => grads[name]!),
              ...{ first: moments[0]!, second: moments[1]!, step: number },
              ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
            });
            for (const [i, variable] of parameters.entries()) variable.assign(updated.parameters[i]!);
            const next = [updated.first, updated.second].map((list) => list.map((tensor) => tf.keep(tensor)));
            tf.dispose(moments);
            moments = next;
            return value;
          });
          await loss.data();
          loss.dispose();
        };
        tf.tidy(
          () => void matcher.logits(tf.zeros([1, side, side, 1]), tf.zeros([1, side, side, 1]), { training: false }),
        );
        cuda.fallbacks.clear();
        const buffers = cuda.device.memory().buffers;
        const copies = await copiesOf(cuda, () => step(1));
        expect([...cuda.fallbacks]).toEqual([]);
        // The only label is a number, which travels with a launch.
        expect(copies).toEqual({ up: 2 * side * side * 4, down: 4 });
        expect(cuda.device.memory().buffers).toBe(buffers);
        matcher.dispose();
        tf.dispose(moments);
      },
    );

    it.each(OBJECTIVES)(
      'trains the generator by %s: no fallback, the batch up and the losses down',
      async (objective) => {
        const generator = createGenerator({ side: 8, latent: 4, channels: { base: 16, max: 6 }, seed: 5 });
        const moments = zeroGeneratorMoments(generator);
        const options: GeneratorStepOptions = { objective, stage: 1, alpha: 0.5, seed: 7, step: 0, momentWeight: 1 };
        let losses = 0;
        const step = async (number: number) => {
          const batch = tf.tensor4d(ramp(4 * 64), [4, 8, 8, 1]);
          const values = await lossValues(generatorStep(generator, moments, batch, { ...options, step: number }));
          losses = Object.values(values).flatMap((terms) => Object.values(terms)).length;
          batch.dispose();
        };
        await step(0);
        cuda.fallbacks.clear();
        const buffers = cuda.device.memory().buffers;
        expect(await copiesOf(cuda, () => step(1))).toEqual({ up: 4 * 64 * 4, down: losses * 4 });
        expect([...cuda.fallbacks]).toEqual([]);
        expect(cuda.device.memory().buffers).toBe(buffers);
        generator.dispose();
        tf.dispose([...moments.first.values(), ...moments.second.values()]);
      },
    );

    it.each([
      ['tf32', 1e-5, 2e-3],
      ['bf16', 1e-4, 2e-2],
    ] as const)('%s rounds what is multiplied, and no more', async (precision, least, most) => {
      await selectBackend({ requested: 'cpu' });
      const expected = convolution();
      cuda = await useDevice(device);
      Object.assign(cuda, { precision, tracedPrecision: precision });
      const rounded = convolution();
      Object.assign(cuda, { precision: 'fp32', tracedPrecision: 'fp32' });
      for (const [i, values] of convolution().entries()) {
        expect(relativeError(values, expected[i]!)).toBeLessThan(1e-5);
        expect(relativeError(rounded[i]!, expected[i]!)).toBeLessThan(most);
      }
      expect(relativeError(rounded[0]!, expected[0]!)).toBeGreaterThan(least);
    });

    it.each(['relu', 'leakyrelu'] as const)('masks the gradient by %s as it reads it', async (activation) => {
      await selectBackend({ requested: 'cpu' });
      const expected = convolutionGradients(activation, ['dx', 'dfilter', 'dbias']);
      cuda = await useDevice(device);
      const found = convolutionGradients(activation, ['dx', 'dfilter', 'dbias']);
      expect(found.length).toBe(3);
      for (const [i, values] of found.entries()) expect(relativeError(values, expected[i]!)).toBeLessThan(1e-5);
      // Without the product by filter the bias's gradient is summed by itself.
      const [alone] = convolutionGradients(activation, ['dbias']);
      expect(relativeError(alone!, expected[2]!)).toBeLessThan(1e-5);
    });

    it('computes the same bits each time', () => {
      expect(sums()).toEqual(sums());
    });

    it('out of memory, names the bytes and lives on', () => {
      const { inUse } = cuda.device.memory();
      expect(() => cuda.device.allocate(2 ** 50)).toThrow(
        /out of memory on the card: 1125899906842624 bytes asked for/,
      );
      expect(cuda.device.memory().inUse).toBe(inUse);
      expect(tf.tidy(() => tf.sum(tf.ones([100])).dataSync()[0])).toBe(100);
    });

    it('reads without blocking, and the tensor may be gone meanwhile', async () => {
      const x = tf.add(tf.range(0, 1000), 1);
      const reading = x.data();
      x.dispose();
      expect((await reading)[999]).toBe(1000);
    });
  });
});

describe.skipIf(emulatorSkipReason)(title('the emulated device', emulatorSkipReason), () => {
  let cuda: AddonBackend;
  beforeEach(async () => {
    cuda = await useDevice(EMULATED_CUDA);
  });
  afterEach(() => {
    for (const name of ENVIRONMENT) delete process.env[name];
  });

  it.each(['backwards', 'shuffled:3'])('computes the same bits with its blocks %s', (order) => {
    const forwards = sums();
    process.env.DOPPEL_EMULATOR_ORDER = order;
    expect(sums()).toEqual(forwards);
  });

  it('names the bytes where memory runs out, and lives on', () => {
    const { inUse } = cuda.device.memory();
    process.env.DOPPEL_EMULATOR_BYTES = String(inUse + 2 ** 20);
    expect(() => tf.zeros([1024, 1024])).toThrow(
      /out of memory on the card: 4194304 bytes asked for, \d+ of \d+ free, \d+ in use/,
    );
    expect(tf.tidy(() => tf.sum(tf.ones([100])).dataSync()[0])).toBe(100);
    expect(cuda.device.memory().inUse).toBe(inUse);
  });

  it('says that it is lost after an error that stays, and why', () => {
    const device = newDevice();
    const x = device.hold(new Float32Array(4));
    const negate = () => device.run('unary', { op: 'neg', dtype: 'float32', count: 4, p0: 0, p1: 0, x, y: x });
    process.env.DOPPEL_EMULATOR_LOSE = 'unary_kernel';
    expect(negate).toThrow(/the device is lost: unary_kernel: an illegal memory access .* start the process anew/);
    delete process.env.DOPPEL_EMULATOR_LOSE;
    expect(negate).toThrow(/the device was lost before: unary_kernel/);
    expect(() => device.hold(new Float32Array(1))).toThrow(/lost before/);
    expect(() => device.release(x)).not.toThrow();
  });

  it('is used only when it is asked for', async () => {
    const { name } = await selectBackend();
    expect(name).not.toBe(EMULATED_CUDA);
  });
});

describe.skipIf(skipReason)(title('cards'), () => {
  it('are counted, or the reason why there are none', () => {
    const loaded = loadAddon();
    if (!loaded.available) throw new Error(loaded.reason);
    const { problem, cards } = loaded.addon.cards();
    if (cards.length === 0) {
      expect(problem).toMatch(/built without CUDA|no NVIDIA driver|driver is too old|finds no GPU|driver reports/);
      expect(() => new loaded.addon.Device('cuda', 0)).toThrow(problem);
    } else {
      expect(problem).toBe('');
      expect(() => new loaded.addon.Device('cuda', cards.length)).toThrow(/there is no card/);
    }
  });
});
