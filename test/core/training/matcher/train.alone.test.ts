/** Whole training runs on a tiny synthetic data set: files, resume bit for bit, interruption, failure. */

import { trainingPictures } from '@doppel/report';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import { ARCHITECTURES } from '../../../../packages/core/src/matcher/architectures.ts';
import { loadCheckpoint } from '../../../../packages/core/src/matcher/checkpoint.ts';
import { ALONE, type Communicator } from '../../../../packages/core/src/processes/communicator.ts';
import type { PartialConfig } from '../../../../packages/core/src/runs/settings.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { resolveConfig } from '../../../../packages/core/src/training/matcher/config.ts';
import { parseMetrics } from '../../../../packages/core/src/training/matcher/metrics_log.ts';
import type { TrainingTask } from '../../../../packages/core/src/training/matcher/task.ts';
import { loadLast } from '../../../../packages/core/src/training/matcher/task.ts';
import { train } from '../../../../packages/core/src/training/matcher/train.ts';
import { selectProcessorBackend } from '../../../backends.ts';
import { planted } from '../../matcher/planted_architecture.ts';
import { syntheticDataset } from './synthetic.ts';

let backend: string;

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  ({ name: backend } = await selectProcessorBackend());
});

const dataset = syntheticDataset();

/** Of a tiny network where the network does not matter. */
function configOf(settings: PartialConfig = {}) {
  const small = {
    preset: planted.name,
    ...{ epochs: 2, stepsPerEpoch: 3, batch: { positives: 2, negatives: 2 }, validation: { positives: 2 } },
    ...{ schedule: { kind: 'cosine' }, warmupSteps: 1 },
  };
  return resolveConfig([small, settings], { data: 'synthetic', side: 64, positives: 12 }, 'the test');
}

function taskOf(store: MemoryStore, more: Partial<TrainingTask> = {}): TrainingTask {
  return {
    store,
    dataset,
    run: 'run',
    start: { config: configOf() },
    backend,
    pictures: trainingPictures,
    ...more,
  };
}

/** Aborts when so many steps are done. */
function stopAfter(steps: number): Pick<TrainingTask, 'signal' | 'onProgress'> {
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => {
    if (step === steps) controller.abort();
  };
  return { signal: controller.signal, onProgress };
}

const text = (store: MemoryStore, path: string) => new TextDecoder().decode(store.files.get(path));

describe('a run', () => {
  it('is refused before it writes where another process has other data or settings', async () => {
    const store = new MemoryStore();
    const besides = (change: (text: string) => string): Communicator => ({
      ...{ ...ALONE, size: 2 },
      allGather: (bytes) => [bytes, new TextEncoder().encode(change(new TextDecoder().decode(bytes)))],
    });
    const started = (change: (text: string) => string) => train(taskOf(store, { communicator: besides(change) }));
    await expect(started((text) => text.replace('"epochs":"2"', '"epochs":"9"'))).rejects.toThrow(
      /same epochs in all, found 2 in process 0 and 9 in process 1/,
    );
    const { fingerprint } = dataset;
    await expect(started((text) => text.replace(fingerprint, 'v2:other'))).rejects.toThrow(/same data set in all/);
    await expect(started((text) => text.replace(backend, 'another'))).rejects.toThrow(/same backend in all/);
    expect(store.files.size).toBe(0);
  });

  it('leaves metrics, plots, log and checkpoints, and no tensors', async () => {
    const store = new MemoryStore();
    const before = tf.memory().numTensors;
    const perStep: number[] = [];
    const result = await train(taskOf(store, { onProgress: () => perStep.push(tf.memory().numTensors) }));
    expect(tf.memory().numTensors).toBe(before);
    expect(new Set(perStep).size, 'tensors in memory after each step').toBe(1);
    expect([...store.files.keys()].sort()).toEqual([
      'run/checkpoints/best.safetensors',
      'run/checkpoints/last.safetensors',
      'run/log.txt',
      'run/metrics.csv',
      'run/plots/auc.svg',
      'run/plots/learning-rate.svg',
      'run/plots/loss.svg',
    ]);
    const rows = parseMetrics(text(store, 'run/metrics.csv'), 'run/metrics.csv');
    expect(rows.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 3],
      [2, 6],
    ]);
    expect(text(store, 'run/log.txt')).toContain(`backend: ${backend}`);
    expect(result).toMatchObject({ run: 'run', checkpoint: 'run/checkpoints/best.safetensors', epochs: 2 });
    expect(result.interrupted).toBe(false);
    const best = await loadCheckpoint(store, 'run/checkpoints/best.safetensors');
    expect(best.resume).toBeUndefined();
    expect(best.calibration!.temperature).toBeGreaterThan(0);
    expect(best.metrics.validationAuc).toBe(result.metrics.validationAuc);
    expect(best.trainedOn.places).toEqual({
      train: ['place-0', 'place-1', 'place-2', 'place-3'],
      validation: ['place-4', 'place-5'],
    });
    expect(best).toMatchObject({ backend, training: configOf(), inputs: { from: null, negatives: null } });
  });

  it('warns where the output is constant', async () => {
    const small = { epochs: 1, stepsPerEpoch: 1, batch: { positives: 1, negatives: 1 } };
    const config = configOf({ preset: 'paper', ...small, optimiser: { learningRate: 1e-12 }, l2: 0 });
    const store = new MemoryStore();
    // Weights of nothing: the limit that the L2 penalty drives the published recipe to.
    const { checkpoint } = await train({ ...taskOf(store), start: { config } });
    const content = await loadCheckpoint(store, checkpoint!);
    for (const { data } of content.tensors.values()) (data as Float32Array).fill(0);
    const places = { train: ['place-0'], validation: ['place-6'] }; // as if that run had had other splits
    const before = { ...content, trainedOn: { ...content.trainedOn, places } };
    const from = { file: 'zero', fingerprint: 'none', content: before };
    const { warnings, metrics } = await train({ ...taskOf(store), run: 'collapsed', start: { config, from } });
    expect(warnings).toEqual([expect.stringMatching(/output is constant.*paper-bn/)]);
    expect(metrics.validationAuc).toBe(0.5);
    expect(text(store, 'collapsed/log.txt')).toMatch(/warning: .*constant/);
    expect(text(store, 'collapsed/log.txt')).toContain('4 places to train on, 2 to validate on');
  });

  it('ends early where validation no longer improves', async () => {
    const config = configOf({
      epochs: 9,
      stepsPerEpoch: 1,
      optimiser: { learningRate: 1e-12 },
      selection: { patience: 2 },
    });
    const store = new MemoryStore();
    const { epochs } = await train({ ...taskOf(store), start: { config } });
    expect(epochs).toBeLessThan(9);
    expect((await loadLast(store, 'run')).resume.state.finished).toBe('early stopping');
  });

  it('ends within an epoch at maxSteps', async () => {
    const { rows } = await train({ ...taskOf(new MemoryStore()), start: { config: configOf({ maxSteps: 4 }) } });
    expect(rows.map(({ step }) => step)).toEqual([3, 4]);
  });

  it('names the step at which it diverges, and writes no weights of it', async () => {
    const store = new MemoryStore();
    const config = configOf({ preset: 'paper', optimiser: { learningRate: 1e30 }, warmupSteps: 0 });
    await expect(train({ ...taskOf(store), start: { config } })).rejects.toMatchObject({
      tag: 'non-finite',
      message: expect.stringMatching(/step \d+.*Lower the learning rate/),
    });
    for (const path of store.files.keys()) {
      if (path.endsWith('.safetensors')) await loadCheckpoint(store, path); // throws where a weight is not finite
    }
  });
});

it('keeps no tensors where the folder cannot be written', async () => {
  const store = new MemoryStore();
  store.append = async () => {
    throw new Error('the disk is full');
  };
  const before = tf.memory().numTensors;
  await expect(train(taskOf(store))).rejects.toThrow('the disk is full');
  expect(tf.memory().numTensors).toBe(before);
});

describe('a run that was stopped and resumed', () => {
  /** Two steps an epoch, of one pair of each class: the presets of products are large. */
  const ofOneEach = (preset: string) => configOf({ preset, stepsPerEpoch: 2, batch: { positives: 1, negatives: 1 } });
  const whole = new Map<string, MemoryStore>();
  const wholeRun = async (preset: string) => {
    const store = whole.get(preset) ?? new MemoryStore();
    const config = ofOneEach(preset);
    if (!whole.has(preset)) await train({ ...taskOf(store), start: { config } });
    whole.set(preset, store);
    return store;
  };
  /** Without what the clock decides. */
  const rowsOf = (store: MemoryStore) =>
    parseMetrics(text(store, 'run/metrics.csv'), 'metrics.csv').map(
      ({ pairsPerSecond: _rate, seconds: _seconds, ...row }) => row,
    );
  const fingerprints = async (store: MemoryStore) => ({
    last: await sha256(await store.read('run/checkpoints/last.safetensors')),
    best: await sha256(await store.read('run/checkpoints/best.safetensors')),
  });

  it.each([
    ['between two epochs', 'paper-bn', [2]],
    ['within an epoch', 'two-channel', [1]],
    ['within the first and the second', planted.name, [1, 3]],
  ])('ends in the same bytes: %s (%s)', async (_, preset, stops) => {
    const config = ofOneEach(preset);
    const whole = await wholeRun(preset);
    const store = new MemoryStore();
    let start: TrainingTask['start'] = { config };
    for (const stop of stops) {
      const stopped = await train(taskOf(store, { start, ...stopAfter(stop) }));
      expect(stopped.interrupted).toBe(true);
      start = { last: await loadLast(store, 'run') };
      expect(start.last.resume.state.step).toBe(stop);
    }
    const { interrupted } = await train(taskOf(store, { start }));
    expect(interrupted).toBe(false);
    expect(await fingerprints(store)).toEqual(await fingerprints(whole));
    expect(rowsOf(store)).toEqual(rowsOf(whole));
  });

  it('saves in time, so that a killed run loses minutes at most', async () => {
    const config = configOf({ save: { everyMinutes: 1e-9 } });
    const store = new MemoryStore();
    const steps: number[] = [];
    const onProgress = async () =>
      steps.push((await loadLast(store, 'run').catch(() => undefined))?.resume.state.step ?? 0);
    await train({ ...taskOf(store), start: { config }, onProgress });
    expect(Math.max(...steps)).toBeGreaterThanOrEqual(4);
  });

  it('goes on where it is given more epochs, and is done where it is done', async () => {
    const store = new MemoryStore();
    const config = configOf({ epochs: 1, schedule: { kind: 'constant' } });
    await train({ ...taskOf(store), start: { config } });
    const done = await train({ ...taskOf(store), start: { last: await loadLast(store, 'run') } });
    expect(done).toMatchObject({ epochs: 1, interrupted: false });
    const more = await train({ ...taskOf(store), start: { last: await loadLast(store, 'run'), epochs: 2 } });
    expect(more.rows.map(({ epoch }) => epoch)).toEqual([1, 2]);
    const whole = new MemoryStore();
    await train({ ...taskOf(whole), start: { config: { ...config, epochs: 2 } } });
    // `best` is of the first epoch, saved when one was all that was asked for.
    expect((await fingerprints(store)).last).toBe((await fingerprints(whole)).last);
  });

  it('refuses other data, another split or other negatives', async () => {
    const store = new MemoryStore();
    await train(taskOf(store, stopAfter(1)));
    const last = await loadLast(store, 'run');
    const other = syntheticDataset({ places: 9 });
    await expect(train({ ...taskOf(store), dataset: other, start: { last } })).rejects.toMatchObject({
      tag: 'checkpoint',
      message: expect.stringMatching(/the data set that it began with/),
    });
    const moved = { ...dataset, indicesOf: syntheticDataset({ split: [5, 1, 2] }).indicesOf };
    await expect(train({ ...taskOf(store), dataset: moved, start: { last } })).rejects.toThrow(/train split.*place-4/);
    const negatives = { file: 'n.jsonl', fingerprint: 'x', content: { mined: [] } };
    await expect(train({ ...taskOf(store), negatives, start: { last } })).rejects.toThrow(/negatives/);
  });

  it('cannot be resumed from weights alone', async () => {
    const store = new MemoryStore();
    await train({ ...taskOf(store), start: { config: configOf({ epochs: 1 }) } });
    await store.write('run/checkpoints/last.safetensors', await store.read('run/checkpoints/best.safetensors'));
    await expect(loadLast(store, 'run')).rejects.toThrow(/last\.safetensors.*weights only.*--from/);
  });
});

describe('training on from a checkpoint', () => {
  it('starts from its weights and normalisation, with fresh moments, and counts its places as seen', async () => {
    const store = new MemoryStore();
    await train({ ...taskOf(store), start: { config: configOf({ epochs: 1 }) } });
    const file = 'run/checkpoints/best.safetensors';
    const content = await loadCheckpoint(store, file);
    const from = { file, fingerprint: await sha256(await store.read(file)), content };
    const negatives = {
      file: 'n.jsonl',
      fingerprint: 'abc',
      content: { mined: [{ sar: 9, optical: 0 }] },
    };
    const narrower = { ...dataset, indicesOf: syntheticDataset({ split: [3, 1, 4] }).indicesOf };
    const config = configOf({ epochs: 1, optimiser: { learningRate: 1e-12 } });
    // The validation split moved onto place-3, which the checkpoint was trained on.
    await expect(
      train({ ...taskOf(store), run: 'tuned', dataset: narrower, negatives, start: { config, from } }),
    ).rejects.toMatchObject({ tag: 'split' });
    const result = await train({ ...taskOf(store), run: 'tuned', negatives, start: { config, from } });
    const tuned = await loadCheckpoint(store, result.checkpoint!);
    expect(tuned.inputs).toEqual({ from: from.fingerprint, negatives: 'abc' });
    expect(tuned.normalisation).toEqual(content.normalisation);
    const [before, after] = [content, tuned].map(({ tensors }) => tensors.get('sar.conv1.filter')!.data);
    expect(Math.max(...before!.map((value, i) => Math.abs(value - after![i]!)))).toBeLessThan(1e-9);
  });

  it('refuses a checkpoint of another architecture', async () => {
    const store = new MemoryStore();
    await train({ ...taskOf(store), start: { config: configOf({ epochs: 1 }) } });
    const file = 'run/checkpoints/best.safetensors';
    const from = { file, fingerprint: 'f', content: await loadCheckpoint(store, file) };
    const start = { config: configOf({ preset: 'two-channel' }), from };
    await expect(train({ ...taskOf(store), run: 'other', start })).rejects.toMatchObject({
      tag: 'checkpoint',
      message: expect.stringMatching(/preset two-channel.*preset planted/),
    });
  });
});
