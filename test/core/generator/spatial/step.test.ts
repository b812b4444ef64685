/** Training of `spatial`: gradients against finite differences, backends against each other, schedules, any side. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { relativeError } from '../../../../packages/core/src/base/tolerance.ts';
import type { Generator } from '../../../../packages/core/src/generator/architecture.ts';
import {
  decodeGround,
  encode,
  latentShape,
  type SpatialConfig,
} from '../../../../packages/core/src/generator/architectures/spatial/networks.ts';
import {
  klWeightAt,
  learningRateAt,
  type SpatialSettings,
} from '../../../../packages/core/src/generator/architectures/spatial/settings.ts';
import { spatialGradients, spatialStep } from '../../../../packages/core/src/generator/architectures/spatial/step.ts';
import { createGenerator, zeroGeneratorMoments } from '../../../../packages/core/src/generator/generator.ts';
import { normalNoise } from '../../../../packages/core/src/ops/ops.ts';
import { momentTensors } from '../../../../packages/core/src/runs/moments.ts';
import { resolveGeneratorTraining } from '../../../../packages/core/src/training/generator/config.ts';
import { backendLoaders, backendReports } from '../../../backends.ts';

const NETWORKS = { cell: 2, channels: [4, 5, 6] as [number, number, number], detail: 3 };
const settings = resolveGeneratorTraining(
  [{ preset: 'spatial', seed: 7, images: 80, batch: 2, ...NETWORKS }],
  { data: 'none', side: 16 },
  'the test',
) as unknown as SpatialSettings;

const small = (side = 16): Generator => createGenerator({ preset: 'spatial', side, ...NETWORKS, decibels: 4, seed: 3 });
const patches = (side = 16) => normalNoise([2, side, side, 1], { seed: 1, offset: 0 }) as tf.Tensor4D;

const select = async (requested: string) => selectBackend({ requested, loaders: await backendLoaders() });
beforeEach(() => select('wasm'));

/** Likelihood and KL, with the weights of a step. */
function totalOf(terms: Record<string, tf.Scalar>, step: number): number {
  const value = (name: string) => terms[name]!.dataSync()[0]!;
  const beta = klWeightAt(step, settings);
  const perPixel = (2 * beta) / 16 ** 2;
  return value('encoder.reconstruction') + perPixel * value('encoder.kl');
}

describe('gradients', () => {
  it('are those of the loss, by finite differences along random directions', () => {
    const generator = small();
    const x = patches();
    // The likelihood of the deviation takes reflectivity as data: its gradient leaves out what a difference sees.
    const still = { ...settings, loss: { ...settings.loss, deviationWeight: 0 } };
    const { gradients } = spatialGradients(generator, x, still, 5);
    const rng = Rng.derive(1, 'directions');
    for (const name of ['encoder.down2.filter', 'encoder.code.bias', 'decoder.seed.filter', 'decoder.block4b.filter']) {
      const variable = (generator.encoder.get(name) ?? generator.decoder.get(name))!;
      const direction = tf.tensor(
        Float32Array.from({ length: variable.size }, () => rng.normal()),
        variable.shape,
      );
      const before = tf.clone(variable);
      const lossAt = (distance: number) => {
        variable.assign(tf.add(before, tf.mul(direction, distance)));
        return totalOf(spatialGradients(generator, x, still, 5).terms, 5);
      };
      const slope = (lossAt(3e-3) - lossAt(-3e-3)) / 6e-3;
      variable.assign(before);
      const expected = tf.sum(tf.mul(gradients[name]!, direction)).dataSync()[0]!;
      expect(Math.abs(slope - expected), name).toBeLessThan(0.03 * Math.abs(expected) + 3e-4);
    }
    generator.dispose();
  });

  it('reach reflectivity by the gamma likelihood alone, and the deviation by its own', () => {
    const generator = small();
    const alone = { ...settings, loss: { klWeight: { first: 0, last: 0 }, deviationWeight: 0 } };
    const { gradients } = spatialGradients(generator, patches(), alone, 0);
    const [ofReflectivity, ofDeviation] = gradients['decoder.head.bias']!.dataSync();
    expect(ofReflectivity).not.toBe(0);
    expect(ofDeviation).toBe(0);
    const both = spatialGradients(generator, patches(), { ...alone, loss: { ...alone.loss, deviationWeight: 1 } }, 0);
    const [again, now] = both.gradients['decoder.head.bias']!.dataSync();
    expect(again).toBe(ofReflectivity);
    expect(now).not.toBe(0);
    generator.dispose();
  });
});

it('is the same step on native as on cpu', async (context) => {
  const { available, reason } = (await backendReports()).native!;
  if (!available) context.skip(`the backend native: ${reason}`);
  const after = async (backend: string) => {
    await select(backend);
    const generator = small();
    const moments = zeroGeneratorMoments(generator);
    const losses = spatialStep(generator, moments, patches(), settings, 0);
    const values = Object.values(losses).map((loss) => loss.dataSync()[0]!);
    const weights = [...generator.average.values()].flatMap((each) => [...each.dataSync()]);
    generator.dispose();
    tf.dispose([losses, momentTensors(moments)]);
    return { values, weights };
  };
  const [cpu, native] = [await after('cpu'), await after('native')];
  expect(relativeError(native.values, cpu.values)).toBeLessThan(1e-5);
  expect(relativeError(native.weights, cpu.weights)).toBeLessThan(1e-3);
});

it('is criticised from its share of the run on, and the critic learns to tell what is made', () => {
  const generator = createGenerator({ preset: 'spatial', side: 16, ...NETWORKS, decibels: 4, seed: 3, critic: 4 });
  const moments = zeroGeneratorMoments(generator);
  const adversarial = { weight: 1, from: 0.5, learningRate: 0.02, channels: 4 };
  const task = { ...settings, optimiser: { ...settings.optimiser, learningRate: 1e-6 }, adversarial };
  const x = tf.mul(patches(), 2) as tf.Tensor4D;
  expect(Object.keys(spatialStep(generator, moments, x, task, 19))).not.toContain('critic.loss');
  const plain = spatialGradients(generator, x, { ...task, adversarial: { ...adversarial, weight: 0 } }, 20);
  const asked = spatialGradients(generator, x, task, 20);
  for (const name of ['decoder.head.filter', 'encoder.down2.filter']) {
    const [a, b] = [plain, asked].map(({ gradients }) => gradients[name]!.dataSync());
    expect(relativeError(b!, a!), name).toBeGreaterThan(1e-4);
  }
  tf.dispose([plain.terms, plain.gradients, asked.terms, asked.gradients, asked.made!]);
  const losses: number[] = [];
  const counts = new Set<number>();
  for (let step = 20; step < 40; step++) {
    const terms = spatialStep(generator, moments, x, task, step);
    losses.push(terms['critic.loss']!.dataSync()[0]!);
    tf.dispose(terms);
    counts.add(tf.memory().numTensors);
  }
  expect(losses[0]).toBeCloseTo(2 * Math.LN2, 0);
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
  expect(counts.size).toBe(1);
  generator.dispose();
  tf.dispose(momentTensors(moments));
});

it('lowers its loss, leaves no tensors, and moves the average with the decoder', () => {
  const generator = small();
  const moments = zeroGeneratorMoments(generator);
  const x = patches();
  const losses: number[] = [];
  const counts = new Set<number>();
  const fast = { ...settings, optimiser: { ...settings.optimiser, learningRate: 0.2 } };
  for (let step = 0; step < 30; step++) {
    const terms = spatialStep(generator, moments, x, fast, step);
    losses.push(terms['encoder.reconstruction']!.dataSync()[0]!);
    tf.dispose(terms);
    counts.add(tf.memory().numTensors);
  }
  expect(counts.size).toBe(1);
  expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.1);
  const moving = generator.average.get('average.up1.filter')!.dataSync();
  expect(relativeError(moving, generator.decoder.get('decoder.up1.filter')!.dataSync())).toBeLessThan(0.3);
  generator.dispose();
  tf.dispose(momentTensors(moments));
});

describe('networks', () => {
  it.each([8, 24, 40])('take patches of side %i, in cells of 8 pixels', (side) => {
    const generator = small(side);
    expect(latentShape(generator.config as SpatialConfig)).toEqual([side / 8, side / 8, 2]);
    const { mu, logvar } = encode(generator.encoder, patches(side), {});
    expect([mu.shape, logvar.shape]).toEqual(Array(2).fill([2, (side / 8) ** 2 * 2]));
    const { reflectivity, logDeviation } = decodeGround(generator.average, mu, {});
    expect([reflectivity.shape, logDeviation.shape]).toEqual(Array(2).fill([2, side, side, 1]));
    generator.dispose();
  });

  it('change no pixel far from a code that is changed', () => {
    const generator = small(64);
    const z = normalNoise([1, 128], { seed: 4, offset: 0 }) as tf.Tensor2D;
    const other = tf.add(z, tf.oneHot(tf.tensor1d([0], 'int32'), 128)) as tf.Tensor2D; // the upper left cell
    const [a, b] = [z, other].map((codes) => decodeGround(generator.average, codes, {}).reflectivity.dataSync());
    const changed = [...a!].flatMap((value, i) => (value === b![i] ? [] : [Math.max(i >> 6, i % 64)]));
    expect(changed.length).toBeGreaterThan(64);
    expect(Math.max(...changed)).toBeLessThan(64 - 8);
    generator.dispose();
  });

  it('refuse a side that is no multiple of 8', () => {
    expect(() => small(20)).toThrow(/multiple of 8/);
  });
});

describe('schedules', () => {
  it('lower the weight of KL from first to last, and the learning rate at the end', () => {
    expect([0, 8, 16, 24, 39].map((step) => Number(klWeightAt(step, settings).toFixed(3)))).toEqual([
      1, 1, 0.447, 0.2, 0.2,
    ]);
    expect(learningRateAt(0, settings)).toBeCloseTo(1e-5);
    const long = { ...settings, images: 2000 };
    expect([500, 800, 1000].map((step) => Number(learningRateAt(step, long).toFixed(6)))).toEqual([1e-3, 5.5e-4, 1e-4]);
  });

  it('refuse a unit in which speckle is not additive', () => {
    const given = [{ preset: 'spatial', normalisation: { sar: { unit: 'amplitude' } } }];
    expect(() => resolveGeneratorTraining(given, { data: 'none', side: 64 }, 'the test')).toThrow(/needs dB/);
  });
});
