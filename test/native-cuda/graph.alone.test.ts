/** Training steps as graphs: the same bits as plain steps, what they copy and keep, and what cannot be captured. */

import { type AddonBackend, captureStep, EMULATED_CUDA, GraphError } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import type { CapturedStep, StepToCapture } from '../../packages/core/src/backends/step_capture.ts';
import { COUNTERS_A_STEP, philoxNormal } from '../../packages/core/src/base/philox.ts';
import { type Generator, NETWORKS } from '../../packages/core/src/generator/architecture.ts';
import {
  flatLosses,
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
  type Objective,
} from '../../packages/core/src/generator/architectures/progressive/step.ts';
import type { SpatialSettings } from '../../packages/core/src/generator/architectures/spatial/settings.ts';
import { captureSpatialStep, spatialStep } from '../../packages/core/src/generator/architectures/spatial/step.ts';
import { createGenerator, zeroGeneratorMoments } from '../../packages/core/src/generator/generator.ts';
import type { Architecture } from '../../packages/core/src/matcher/architecture.ts';
import { configOf } from '../../packages/core/src/matcher/architecture.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { createMatcher, type Matcher } from '../../packages/core/src/matcher/matcher.ts';
import { adam, normalNoise, reparameterize, uniformNoise } from '../../packages/core/src/ops/ops.ts';
import type { Moments } from '../../packages/core/src/runs/moments.ts';
import { captureGeneratorStep } from '../../packages/core/src/training/generator/captured_step.ts';
import { resolveGeneratorTraining } from '../../packages/core/src/training/generator/config.ts';
import { captureTrainingStep } from '../../packages/core/src/training/matcher/captured_step.ts';
import { trainingStep, zeroMoments } from '../../packages/core/src/training/matcher/step.ts';
import { cardSkipReason, emulatorSkipReason, skipReason, title, useDevice } from './addon.ts';

const HALF = { channels: 16, strides: 2, batchNorm: true } as const;

/** All kinds of layers of paper-bn, few and narrow: the emulator takes a second for a step of it, and 14 of paper-bn. */
const small: Architecture = {
  name: 'small',
  config: configOf('small', z.int().min(16).multipleOf(8)),
  logits(layers, sar, optical, _config, pairing) {
    const stream = { channels: 8, batchNorm: true, isInput: true };
    const s = layers.maxPool(layers.conv('sar.conv1', sar, stream));
    const o = layers.maxPool(layers.conv('optical.conv1', optical, stream));
    const [first, second] = [
      layers.halfConv('fusion.conv1', s, 'first', HALF),
      layers.halfConv('fusion.conv1', o, 'second', HALF),
    ];
    const rows = pairing ? [layers.rows(first, pairing.sar), layers.rows(second, pairing.optical)] : [first, second];
    const joined = layers.sumHalves('fusion.conv1', rows[0]!, rows[1]!, HALF);
    const hidden = layers.dense('head.dense1', layers.flatten(joined), { channels: 32, activation: 'relu' });
    const kept = layers.dropout(hidden, 0.5);
    return layers.dense('head.dense2', kept, { channels: 2, activation: 'linear', isOutput: true });
  },
  initialisation: 'he-normal',
  recipe: {},
};
ARCHITECTURES.add(small);

/** Matcher whose step is captured, and its patch side. */
interface Trained {
  preset: string;
  side: number;
}
const WHOLE: Trained = { preset: 'paper-bn', side: 64 };
const EMULATED: Trained = { preset: small.name, side: 32 };

const OPTIONS = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-5, seed: 3, step: 0 };
const STEPS = [0, 1, 2];

const noise = (count: number, seed: number) => philoxNormal(count, { seed, offset: 0 });

/** The batch of a step, as arrays. */
const batchOf = (step: number, { side }: Trained) => ({
  sar: noise(side * side, 2 * step),
  optical: noise(side * side, 2 * step + 1),
  labels: Int32Array.of(step % 2),
  weights: Float32Array.of(1),
});
const bytesOf = ({ side }: Trained) => 2 * (side * side * 4) + 2 * 4;

const PAIRING = { sar: [0], optical: [0] };
const newMatcher = (trained: Trained) => createMatcher({ ...trained, sarBands: 1, opticalBands: 1, seed: 4 });

const bitsOf = (tensors: Iterable<tf.Tensor>) => [...tensors].map((tensor) => tensor.dataSync().slice());
const momentTensors = ({ first, second }: Moments) => [...first.values(), ...second.values()];
const stateOf = (matcher: Matcher, moments: Moments) => [
  ...matcher.parameters.values(),
  ...matcher.statistics.values(),
  ...momentTensors(moments),
];

async function plainStep(matcher: Matcher, moments: Moments, step: number, trained: Trained) {
  const { sar, optical, labels, weights } = batchOf(step, trained);
  const { side } = trained;
  const batch = {
    sar: tf.tensor4d(sar, [1, side, side, 1]),
    optical: tf.tensor4d(optical, [1, side, side, 1]),
    labels: tf.tensor1d(labels, 'int32'),
    weights: tf.tensor1d(weights),
  };
  const { loss, gradientNorm } = trainingStep(matcher, moments, { ...batch, pairing: PAIRING }, { ...OPTIONS, step });
  const values = { loss: loss.dataSync()[0], gradientNorm: gradientNorm.dataSync()[0] };
  tf.dispose([batch, loss, gradientNorm]);
  return values;
}

function captured(backend: AddonBackend, matcher: Matcher, moments: Moments, { side }: Trained): CapturedStep {
  const shape = { sar: [1, side, side, 1], optical: [1, side, side, 1], pairing: PAIRING };
  return captureTrainingStep((step) => captureStep(backend, step), matcher, moments, shape, OPTIONS);
}

const CODES = { cell: 2, channels: [4, 5, 6] as [number, number, number], detail: 3 };
const TINY = { side: 8, latent: 4, channels: { base: 16, max: 6 }, seed: 5 };
const GENERATOR_OPTIONS = { stage: 1, alpha: 0.5, seed: 7, step: 4, momentWeight: 1 };
const captureGenerator = (backend: AddonBackend, generator: Generator, moments: Moments, objective: Objective) =>
  captureGeneratorStep((step) => captureStep(backend, step), generator, moments, [4, 8, 8, 1], {
    ...GENERATOR_OPTIONS,
    objective,
  });

/** A step that is quickly computed: the state is a vector that grows by the input. */
function smallStep(change: Partial<StepToCapture> = {}) {
  const variable = tf.tidy(() => tf.variable(tf.add(tf.zeros([4]), 1)));
  const step: StepToCapture = {
    inputs: { x: { shape: [4], dtype: 'float32' } },
    state: () => [variable],
    step: ({ x }) => {
      variable.assign(tf.add(variable, x!));
      return { sum: tf.sum(variable) };
    },
    ...change,
  };
  return { variable, step };
}

const X = Float32Array.of(1, 2, 3, 4);

/** The GraphError that `f` throws or rejects with. */
async function graphError(f: () => unknown): Promise<GraphError> {
  try {
    await f();
  } catch (error) {
    if (error instanceof GraphError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each([
  ['native', skipReason, WHOLE],
  ['cuda', cardSkipReason, WHOLE],
  [EMULATED_CUDA, emulatorSkipReason, EMULATED],
] as const)('graphs on the device %s', (device, reason, trained) => {
  describe.skipIf(reason)(title('replays', reason), { timeout: 300_000 }, () => {
    let cuda: AddonBackend;
    // The pool of `native` keeps idle blocks, more or less of them.
    const steady = ({ held, ...memory }: ReturnType<AddonBackend['device']['memory']>) =>
      device === 'native' ? memory : { held, ...memory };
    beforeEach(async () => {
      cuda = await useDevice(device);
    });

    it(`the matcher ${trained.preset}, with dropout: the bits of plain steps; the batch up, the losses down, no more memory`, async () => {
      const [plain, replayed] = [newMatcher(trained), newMatcher(trained)];
      const [plainMoments, moments] = [zeroMoments(plain), zeroMoments(replayed)];
      const expected = [];
      for (const step of STEPS) expected.push(await plainStep(plain, plainMoments, step, trained));
      const before = { memory: cuda.device.memory(), parameters: bitsOf(replayed.parameters.values()) };
      const graph = captured(cuda, replayed, moments, trained);
      expect(graph.bytes).toBeGreaterThan(4 * bytesOf(trained));
      expect(cuda.device.memory().graphs).toBe(graph.bytes);
      // Captured, not run.
      expect(bitsOf(replayed.parameters.values())).toEqual(before.parameters);
      const memory = [];
      for (const step of STEPS) {
        const { up, down } = cuda.transfers;
        expect(await graph.replay(batchOf(step, trained))).toEqual(expected[step]);
        expect(cuda.transfers).toEqual({ up: up + bytesOf(trained), down: down + 2 * 4 });
        memory.push(steady(cuda.device.memory()));
      }
      expect(memory[1]).toEqual(memory[0]);
      expect(memory[2]).toEqual(memory[0]);
      expect(bitsOf(stateOf(replayed, moments))).toEqual(bitsOf(stateOf(plain, plainMoments)));
      graph.dispose();
      expect(steady(cuda.device.memory())).toEqual({ ...steady(before.memory), peak: expect.any(Number) });
      for (const each of [plain, replayed]) each.dispose();
      tf.dispose([...momentTensors(moments), ...momentTensors(plainMoments)]);
    });

    it('moves noise and Adam on by a step with each replay', async () => {
      const [p, g, m, v] = [1, 2, 3, 4].map((seed) => noise(100, seed).map(Math.abs));
      const at = (step: number) =>
        tf.tidy(() => {
          const draw = { seed: 11, offset: 5 + step * COUNTERS_A_STEP };
          const mean = tf.tensor2d(p!, [10, 10]);
          const { z, kl } = reparameterize(mean, mean, draw);
          const [parameters, gradients, first, second] = [p!, g!, m!, v!].map((values) => [tf.tensor1d(values)]);
          const moved = adam({
            parameters: parameters!,
            gradients: gradients!,
            first: first!,
            second: second!,
            ...OPTIONS,
            step: step + 1,
          });
          const results = [uniformNoise([30], draw), normalNoise([30], draw), z, kl, moved.parameters[0]!];
          return results.map((each) => each.dataSync().slice());
        });
      const results = [[30], [30], [10, 10], [10], [100]].map((shape) =>
        tf.tidy(() => tf.variable(tf.add(tf.zeros(shape), 0))),
      );
      const graph = captureStep(cuda, {
        inputs: Object.fromEntries(
          ['p', 'g', 'm', 'v'].map((name) => [name, { shape: [100], dtype: 'float32' as const }]),
        ),
        state: () => results,
        step: ({ p, g, m, v }) => {
          const draw = { seed: 11, offset: 5 };
          const mean = tf.reshape(p!, [10, 10]) as tf.Tensor2D;
          const { z, kl } = reparameterize(mean, mean, draw);
          const moved = adam({ parameters: [p!], gradients: [g!], first: [m!], second: [v!], ...OPTIONS, step: 1 });
          const made = [uniformNoise([30], draw), normalNoise([30], draw), z, kl, moved.parameters[0]!];
          made.forEach((each, i) => {
            results[i]!.assign(each);
          });
          return { sum: tf.sum(z) };
        },
      });
      for (const step of STEPS) {
        await graph.replay({ p: p!, g: g!, m: m!, v: v! });
        const found = bitsOf(results);
        expect(found).toEqual(at(step));
        // Each but KL, which has no noise, would be seen to stand still.
        if (step > 0) at(0).forEach((still, i) => void (i !== 3 && expect(found[i]).not.toEqual(still)));
      }
      graph.dispose();
      tf.dispose(results);
    });

    it.each(OBJECTIVES)('the generator by %s: the bits of plain steps, and it goes on without', async (objective) => {
      const options: GeneratorStepOptions = { ...GENERATOR_OPTIONS, objective };
      const all = (generator: Generator, moments: Moments) => [
        ...NETWORKS.flatMap((network) => [...generator[network].values()]),
        ...momentTensors(moments),
      ];
      const [plain, replayed] = [createGenerator(TINY), createGenerator(TINY)];
      const [plainMoments, moments] = [zeroGeneratorMoments(plain), zeroGeneratorMoments(replayed)];
      const graph = captureGenerator(cuda, replayed, moments, objective);
      for (const replay of [0, 1]) {
        const patches = noise(4 * 64, replay);
        const batch = tf.tensor4d(patches, [4, 8, 8, 1]);
        const losses = await lossValues(generatorStep(plain, plainMoments, batch, { ...options, step: 4 + replay }));
        batch.dispose();
        const before = { ...cuda.transfers };
        const found = await graph.replay({ patches });
        expect(found).toEqual(flatLosses(losses));
        const [up, down] = [4 * 64 * 4, Object.keys(found).length * 4];
        expect(cuda.transfers).toEqual({ up: before.up + up, down: before.down + down });
      }
      expect(bitsOf(all(replayed, moments))).toEqual(bitsOf(all(plain, plainMoments)));
      graph.dispose();
      for (const [generator, moving] of [
        [plain, plainMoments],
        [replayed, moments],
      ] as const) {
        const batch = tf.tensor4d(noise(4 * 64, 9), [4, 8, 8, 1]);
        tf.dispose(generatorStep(generator, moving, batch, { ...options, step: 6 }));
        batch.dispose();
      }
      expect(bitsOf(all(replayed, moments))).toEqual(bitsOf(all(plain, plainMoments)));
      for (const each of [plain, replayed]) each.dispose();
      tf.dispose([...momentTensors(moments), ...momentTensors(plainMoments)]);
    });

    it('the generator spatial: the bits of plain steps, with a rate and a weight of KL that move', async () => {
      const settings = {
        ...(resolveGeneratorTraining(
          [{ preset: 'spatial', seed: 7, images: 24, batch: 2, ...CODES }],
          { data: 'none', side: 16 },
          'the test',
        ) as unknown as SpatialSettings),
        ema: 0.5,
      };
      const create = () => createGenerator({ preset: 'spatial', side: 16, ...CODES, decibels: 4, seed: 3 });
      const [plain, replayed] = [create(), create()];
      const [plainMoments, moments] = [zeroGeneratorMoments(plain), zeroGeneratorMoments(replayed)];
      const from = { generator: replayed, moments, settings, batch: [2, 16, 16, 1], step: 4 };
      expect(captureSpatialStep(() => expect.unreachable(), { ...from, settings: { ...settings, ema: 0.99 } })).toBe(
        undefined,
      );
      const steps = captureSpatialStep((step) => captureStep(cuda, step), from)!;
      for (let step = 4; step < 10; step++) {
        const batch = tf.tensor4d(noise(2 * 16 * 16, step), [2, 16, 16, 1]);
        const losses = spatialStep(plain, plainMoments, batch, settings, step);
        const found = await steps.replay(batch, step);
        expect(found).toEqual(Object.fromEntries(Object.entries(losses).map(([k, v]) => [k, v.dataSync()[0]])));
        tf.dispose([batch, losses]);
      }
      const all = (generator: Generator, held: Moments) => [
        ...NETWORKS.flatMap((network) => [...generator[network].values()]),
        ...momentTensors(held),
      ];
      expect(bitsOf(all(replayed, moments))).toEqual(bitsOf(all(plain, plainMoments)));
      steps.dispose();
      expect(cuda.device.memory().graphs).toBe(0);
      for (const each of [plain, replayed]) each.dispose();
      tf.dispose([...momentTensors(moments), ...momentTensors(plainMoments)]);
    });

    it('adds up over replays that are asked for before the last is read', async () => {
      const { variable, step } = smallStep();
      const graph = captureStep(cuda, step);
      const sums = await Promise.all([1, 2, 3].map(() => graph.replay({ x: X })));
      expect(sums.map(({ sum }) => sum)).toEqual([14, 24, 34]);
      expect([...variable.dataSync()]).toEqual([4, 7, 10, 13]);
      graph.dispose();
      variable.dispose();
    });

    it('gives memory to nobody else while the graph lives', async () => {
      const { variable, step } = smallStep();
      const graph = captureStep(cuda, step);
      // As large as what the step makes: any of them that lay in the graph's memory would be written over.
      const others = Array.from({ length: 50 }, (_, i) => tf.tidy(() => tf.add(tf.zeros([4]), i)));
      await graph.replay({ x: X });
      await graph.replay({ x: X });
      others.forEach((other, i) => {
        expect([...other.dataSync()]).toEqual([i, i, i, i]);
      });
      graph.dispose();
      tf.dispose([variable, ...others]);
    });

    it('two graphs keep out of each other', async () => {
      const [a, b] = [smallStep(), smallStep()];
      const [one, two] = [captureStep(cuda, a.step), captureStep(cuda, b.step)];
      await one.replay({ x: X });
      await two.replay({ x: X });
      one.dispose();
      expect(await two.replay({ x: X })).toEqual({ sum: 24 });
      two.dispose();
      expect(cuda.device.memory().graphs).toBe(0);
      tf.dispose([a.variable, b.variable]);
    });

    describe('refuses, and leaves the state as it was', () => {
      const unread: tf.Tensor[] = [];
      it.each([
        ['fallback', /the kernel Asin in JavaScript/, ({ x }: tf.NamedTensorMap) => tf.asin(x!)],
        ['read', /a read of 4 numbers of float32/, ({ x }: tf.NamedTensorMap) => tf.scalar(x!.dataSync()[0]!)],
        ['upload', /4 numbers of float32 from JavaScript/, ({ x }: tf.NamedTensorMap) => tf.add(x!, tf.tensor(X))],
        [
          'state',
          /found 1 of before the capture that it lacks/,
          ({ x }: tf.NamedTensorMap) => {
            const result = tf.add(x!, unread[0]!);
            unread[0]!.dispose();
            return result;
          },
        ],
        [
          'step',
          /out of luck/,
          () => {
            throw new Error('out of luck');
          },
        ],
      ] as const)('%s', async (reason, message, work) => {
        unread[0] = tf.tidy(() => tf.add(tf.zeros([4]), 1));
        const { variable, step } = smallStep();
        const plain = step.step;
        step.step = (inputs) => {
          plain(inputs);
          return { sum: tf.sum(work(inputs as tf.NamedTensorMap)) as tf.Scalar };
        };
        const before = cuda.device.memory();
        const error = await graphError(() => captureStep(cuda, step));
        expect(error).toMatchObject({ tag: 'graph', reason });
        expect(error.message).toMatch(message);
        expect(error.message).toMatch(/^Cannot capture the step: /);
        expect([...variable.dataSync()]).toEqual([1, 1, 1, 1]);
        if (reason !== 'state')
          expect(steady(cuda.device.memory())).toEqual({ ...steady(before), peak: expect.any(Number) });
        expect(cuda.device.memory().graphs).toBe(0);
        // And what comes after runs, and is not recorded.
        expect(tf.tidy(() => tf.sum(tf.add(variable, 1)).dataSync()[0])).toBe(8);
        tf.dispose([variable, unread]);
      });

      it('a read that the step swallows', async () => {
        const { variable, step } = smallStep();
        const plain = step.step;
        step.step = (inputs) => {
          inputs.x!.data().catch(() => {});
          return plain(inputs);
        };
        expect(await graphError(() => captureStep(cuda, step))).toMatchObject({ reason: 'read' });
        variable.dispose();
      });

      it.each([
        ['too few numbers', { x: X.slice(1) }, /4 numbers of float32 \[4\] for the input x, found 3 of float32/],
        ['another type', { x: Int32Array.from(X) }, /found 4 of int32/],
        ['another name', { y: X }, /the inputs x, found y/],
      ])('inputs: %s', async (_, inputs, message) => {
        const { variable, step } = smallStep();
        const graph = captureStep(cuda, step);
        const error = await graphError(() => graph.replay(inputs as unknown as { x: Float32Array }));
        expect(error).toMatchObject({ reason: 'inputs', message: expect.stringMatching(message) });
        expect([...variable.dataSync()]).toEqual([1, 1, 1, 1]);
        graph.dispose();
        variable.dispose();
      });

      it('a state that was changed, cloned or disposed of since, and a graph that is gone', async () => {
        const { variable, step } = smallStep();
        const graph = captureStep(cuda, step);
        const clone = tf.clone(variable);
        expect((await graphError(() => graph.replay({ x: X }))).message).toMatch(/shares it with a clone/);
        clone.dispose();
        expect(await graph.replay({ x: X })).toEqual({ sum: 14 });
        tf.tidy(() => variable.assign(tf.add(variable, 1)));
        expect((await graphError(() => graph.replay({ x: X }))).message).toMatch(/was replaced since/);
        variable.dispose();
        expect((await graphError(() => graph.replay({ x: X }))).message).toMatch(/disposed of/);
        graph.dispose();
        expect(await graphError(() => graph.replay({ x: X }))).toMatchObject({ reason: 'step' });
        graph.dispose(); // once more does nothing
      });

      it('a state that is shared before the capture', async () => {
        const { variable, step } = smallStep();
        const clone = tf.clone(variable);
        expect(await graphError(() => captureStep(cuda, step))).toMatchObject({ reason: 'state' });
        tf.dispose([clone, variable]);
      });
    });
  });
});

describe.skipIf(emulatorSkipReason)(title('a planted fault', emulatorSkipReason), () => {
  afterEach(() => {
    delete process.env.DOPPEL_EMULATOR_SKIP;
  });

  it('a count of replays that stands still is seen at the second replay', async () => {
    const cuda = await useDevice(EMULATED_CUDA);
    const [sound, faulty] = [0, 1].map(() => {
      const generator = createGenerator(TINY);
      const moments = zeroGeneratorMoments(generator);
      return { generator, moments, graph: captureGenerator(cuda, generator, moments, 'autoencoder') };
    });
    const patches = noise(4 * 64, 1);
    const both = async () => {
      const expected = await sound!.graph.replay({ patches });
      process.env.DOPPEL_EMULATOR_SKIP = 'count_replay_kernel';
      const found = await faulty!.graph.replay({ patches });
      delete process.env.DOPPEL_EMULATOR_SKIP;
      return { expected, found };
    };
    const first = await both();
    expect(first.found).toEqual(first.expected);
    const second = await both();
    expect(second.found).not.toEqual(second.expected);
    for (const { generator, moments, graph } of [sound!, faulty!]) {
      graph.dispose();
      generator.dispose();
      tf.dispose(momentTensors(moments));
    }
  });
});

describe('a backend without graphs', () => {
  it('says so', async () => {
    await selectBackend({ requested: 'cpu' });
    const { variable, step } = smallStep();
    const error = await graphError(() => captureStep(tf.backend(), step));
    expect(error).toMatchObject({ reason: 'backend' });
    expect(error.message).toMatch(/expected a backend with graphs \(cuda, native\), found a backend without the addon/);
    variable.dispose();
  });
});
