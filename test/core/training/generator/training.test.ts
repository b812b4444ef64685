/** Whole runs of a tiny generator on a synthetic data set: files, resume bit for bit, interruption, failure, opening. */

import { generatorPictures } from '@doppel/report';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import { CheckpointError, NonFiniteError, UsageError } from '../../../../packages/core/src/errors.ts';
import { GENERATOR_ADAM, LOSS_TERMS } from '../../../../packages/core/src/generator/architectures/progressive/step.ts';
import { loadGenerator } from '../../../../packages/core/src/generator/checkpoint.ts';
import { openGenerator } from '../../../../packages/core/src/generator/open.ts';
import { parseRows } from '../../../../packages/core/src/runs/run_files.ts';
import type { PartialConfig } from '../../../../packages/core/src/runs/settings.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { resolveGeneratorTraining } from '../../../../packages/core/src/training/generator/config.ts';
import { type GeneratorRow, generatorMetrics } from '../../../../packages/core/src/training/generator/metrics_log.ts';
import type { GeneratorTask } from '../../../../packages/core/src/training/generator/task.ts';
import { loadLastGenerator } from '../../../../packages/core/src/training/generator/task.ts';
import {
  type GeneratorTrainingResult,
  trainGenerator,
} from '../../../../packages/core/src/training/generator/train.ts';
import { syntheticDataset } from '../matcher/synthetic.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

const dataset = syntheticDataset({ side: 12 });

const parseGeneratorMetrics = (text: string, file: string) =>
  parseRows(generatorMetrics(LOSS_TERMS), text, file) as GeneratorRow[];

/** Patches of 12, padded to 16: four steps at side 8, six at side 16, of which two fade it in. */
const SMALL: PartialConfig = {
  latent: 4,
  channels: { base: 32, max: 4 },
  growing: [
    { side: 8, fadeImages: 0, stableImages: 16, batch: 4 },
    { side: 16, fadeImages: 8, stableImages: 16, batch: 4 },
  ],
  samples: { grid: 2, everySteps: 100 },
  metrics: { everySteps: 2 },
};
const STEPS = 10;

const configOf = (settings: PartialConfig = {}) =>
  resolveGeneratorTraining([SMALL, settings], { data: 'synthetic', side: 12 }, 'the test');

function taskOf(store: MemoryStore, more: Partial<GeneratorTask> = {}): GeneratorTask {
  return {
    store,
    dataset,
    run: 'run',
    start: { config: configOf() },
    backend: 'wasm',
    pictures: generatorPictures,
    ...more,
  };
}

function stopAfter(steps: number): Pick<GeneratorTask, 'signal' | 'onProgress'> {
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => {
    if (step === steps) controller.abort();
  };
  return { signal: controller.signal, onProgress };
}

/** A run to the end, trained once: tests only read its files. */
let whole: Promise<{ store: MemoryStore; result: GeneratorTrainingResult }> | undefined;
function wholeRun() {
  whole ??= (async () => {
    const store = new MemoryStore();
    return { store, result: await trainGenerator(taskOf(store)) };
  })();
  return whole;
}

const fileOf = (store: MemoryStore, name: string) => store.files.get(`run/${name}`)!;
const text = (store: MemoryStore, name: string) => new TextDecoder().decode(fileOf(store, name));
const LAST = 'checkpoints/last.safetensors';

describe('a run', () => {
  it('leaves checkpoints, pictures and figures of each stage, and no tensors', async () => {
    const store = new MemoryStore();
    const before = tf.memory().numTensors;
    const perStep: number[] = [];
    const result = await trainGenerator(taskOf(store, { onProgress: () => perStep.push(tf.memory().numTensors) }));
    expect(tf.memory().numTensors).toBe(before);
    expect(new Set(perStep).size, 'tensors in memory after each step').toBe(1);
    expect(result).toMatchObject({ steps: STEPS, images: 40, interrupted: false, checkpoint: `run/${LAST}` });
    expect([...store.files.keys()].filter((name) => !name.includes('plots')).sort()).toEqual([
      `run/${LAST}`,
      'run/checkpoints/side-16.safetensors',
      'run/checkpoints/side-8.safetensors',
      'run/log.txt',
      'run/metrics.csv',
      'run/samples/000004-side-8.png',
      'run/samples/000010-side-16.png',
      'run/stages.json',
    ]);
    const rows = parseGeneratorMetrics(text(store, 'metrics.csv'), 'metrics.csv');
    expect(rows.map(({ step, side }) => [step, side])).toEqual([2, 4, 6, 8, 10].map((s) => [s, s <= 4 ? 8 : 16]));
    expect(rows.map(({ alpha }) => alpha)).toEqual([1, 1, 2 / 3, 1, 1]);
    expect(rows.every((row) => Number.isFinite(row['critic.penalty']))).toBe(true);
  });

  it('proves that each network was trained at each stage', async () => {
    const { stages } = (await wholeRun()).result;
    expect(stages.map(({ side, steps, images }) => [side, steps, images])).toEqual([
      [8, 4, 16],
      [16, 6, 24],
    ]);
    for (const { moved, kl, collapsed } of stages) {
      for (const share of Object.values(moved!)) expect(share).toBeGreaterThan(1e-4);
      expect(kl).toHaveLength(4);
      expect(collapsed).toBe(kl!.filter((value) => value < 0.01).length);
    }
  });

  it.each(['vae-gan', 'autoencoder'] as const)('trains by %s, too', async (objective) => {
    const task = taskOf(new MemoryStore(), { start: { config: configOf({ objective }) } });
    const { stages, rows } = await trainGenerator(task);
    expect(stages.at(-1)!.moved!.decoder).toBeGreaterThan(1e-4);
    expect(stages.at(-1)!.kl === undefined).toBe(objective === 'autoencoder');
    expect(Number.isFinite(rows.at(-1)!['critic.real'])).toBe(objective === 'vae-gan');
  });
});

describe('resume', () => {
  it.each([1, 3, 4, 5, 8])('goes on bit for bit when it was stopped after step %i', async (steps) => {
    const { store: whole } = await wholeRun();
    const parts = new MemoryStore();
    const first = await trainGenerator(taskOf(parts, stopAfter(steps)));
    expect(first).toMatchObject({ interrupted: true, steps });
    const last = await loadLastGenerator(parts, 'run');
    const second = await trainGenerator(taskOf(parts, { start: { last } }));
    expect(second).toMatchObject({ interrupted: false, steps: STEPS });
    expect(await sha256(fileOf(parts, LAST))).toBe(await sha256(fileOf(whole, LAST)));
    expect(text(parts, 'stages.json')).toBe(text(whole, 'stages.json'));
    const losses = (store: MemoryStore) =>
      parseGeneratorMetrics(text(store, 'metrics.csv'), '').map(({ step, ...row }) => [step, row['encoder.kl']]);
    expect(losses(parts)).toEqual(losses(whole));
  });

  it('refuses other data, and a checkpoint without the state of a run', async () => {
    const store = new MemoryStore();
    await trainGenerator(taskOf(store, stopAfter(2)));
    const last = await loadLastGenerator(store, 'run');
    const other = { ...dataset, fingerprint: 'another' };
    await expect(trainGenerator(taskOf(store, { start: { last }, dataset: other }))).rejects.toThrow(CheckpointError);
    await trainGenerator(taskOf(store, { start: { last } }));
    store.files.set(`run/${LAST}`, fileOf(store, 'checkpoints/side-16.safetensors'));
    await expect(loadLastGenerator(store, 'run')).rejects.toThrow('weights only');
  });
});

it('names the network where training diverges, and keeps the state before', async () => {
  const store = new MemoryStore();
  const config = configOf({ optimiser: { critic: { ...GENERATOR_ADAM.critic, learningRate: 1e30 } } });
  const run = trainGenerator(taskOf(store, { start: { config } }));
  await expect(run).rejects.toThrow(NonFiniteError);
  await expect(run).rejects.toThrow(/critic/);
  expect(store.files.has(`run/${LAST}`)).toBe(false);
});

it('refuses settings that cannot be meant', () => {
  const stage = { side: 16, fadeImages: 0, stableImages: 8, batch: 4 };
  expect(() => configOf({ growing: [{ ...stage, batch: 6 }] })).toThrow(UsageError);
  expect(() => configOf({ growing: [{ ...stage, side: 4 }, stage] })).toThrow('each stage doubles the side');
  expect(() => configOf({ growing: [{ ...stage, side: 8 }] })).toThrow('growth ends at 8');
  expect(() => configOf({ klWeight: 2 })).toThrow('klWeight');
});

describe('a checkpoint', () => {
  it('opens as a generator of patches of the data, and only when fully grown', async () => {
    const { store } = await wholeRun();
    const bytes = fileOf(store, LAST);
    const generator = await openGenerator(bytes, LAST);
    expect(generator.info).toMatchObject({ side: 12, latent: 4, objective: 'vae-adversarial', preset: 'small' });
    const x = tf.randomNormal([3, 12, 12, 1], 0, 1, 'float32', 1) as tf.Tensor4D;
    const { mu } = generator.encode(x);
    expect(mu.shape).toEqual([3, 4]);
    const made = generator.decode(mu);
    expect(made.shape).toEqual([3, 12, 12, 1]);
    expect((await made.data()).every(Number.isFinite)).toBe(true);
    generator.dispose();
    const early = fileOf(store, 'checkpoints/side-8.safetensors');
    await expect(openGenerator(early, 'early')).rejects.toThrow('grown to side 8');
    await expect(openGenerator(bytes.slice(0, bytes.length - 7), 'cut')).rejects.toThrow(CheckpointError);
  });

  it('keeps every weight as it was', async () => {
    const { store } = await wholeRun();
    const [last, end] = await Promise.all(
      [LAST, 'checkpoints/side-16.safetensors'].map((name) => loadGenerator(store, `run/${name}`)),
    );
    expect(last!.tensors).toEqual(end!.tensors);
    expect(last!.trainedOn.places?.train).toEqual(['place-0', 'place-1', 'place-2', 'place-3']);
  });
});
