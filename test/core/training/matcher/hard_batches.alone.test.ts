/** Runs with a softmax over the batch, margins, frozen statistics, look-alikes and a memory: they resume bit for bit. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import type { Dataset } from '../../../../packages/core/src/dataset/dataset.ts';
import { placeGuard } from '../../../../packages/core/src/dataset/place_guard.ts';
import type { NegativeSet } from '../../../../packages/core/src/generator/made_patches.ts';
import { readGeneratorFile } from '../../../../packages/core/src/generator/named_generators.ts';
import { openGenerator } from '../../../../packages/core/src/generator/open.ts';
import { remakerOf } from '../../../../packages/core/src/generator/remake.ts';
import { ARCHITECTURES } from '../../../../packages/core/src/matcher/architectures.ts';
import { loadCheckpoint } from '../../../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../../../packages/core/src/matcher/matcher.ts';
import { normalNoise } from '../../../../packages/core/src/ops/ops.ts';
import type { PartialConfig } from '../../../../packages/core/src/runs/settings.ts';
import { MemoryStore, readText } from '../../../../packages/core/src/store.ts';
import { resolveConfig } from '../../../../packages/core/src/training/matcher/config.ts';
import { runNegativesOf } from '../../../../packages/core/src/training/matcher/hard_negatives.ts';
import { anchorsMet, createSampler } from '../../../../packages/core/src/training/matcher/sampler.ts';
import { loadLast, type TrainingTask } from '../../../../packages/core/src/training/matcher/task.ts';
import { train } from '../../../../packages/core/src/training/matcher/train.ts';
import { selectProcessorBackend } from '../../../backends.ts';
import { guardWhere } from '../../dataset/fake_guard.ts';
import { planted } from '../../matcher/planted_architecture.ts';
import { syntheticDataset, syntheticNormalisation } from './synthetic.ts';

const SIDE = 64;
const dataset = syntheticDataset();
let backend: string;
let made: NegativeSet;

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  ({ name: backend } = await selectProcessorBackend());
  const { side, sar } = await syntheticNormalisation();
  const data = new Float32Array(12 * SIDE * SIDE).map((_, i) => Math.sin(i));
  const negatives = Array.from({ length: 12 }, (_, i) => ({
    ...{ optical: i, patch: i, changed: i / 12, score: i === 0 ? 0.96 : 0.5, positiveScore: 1 },
  }));
  const patches = { data, side: SIDE, count: 12 };
  const generated = { generator: null, normalisation: { side, sar }, patches, negatives, reconstructions: [] };
  made = { mined: [], generated };
});

const small = {
  preset: planted.name,
  ...{ epochs: 2, stepsPerEpoch: 3, batch: { positives: 4, negatives: 6 }, validation: { positives: 2 } },
};
const configOf = (settings: PartialConfig) =>
  resolveConfig([small, settings], { data: 'synthetic', side: SIDE, positives: 12 }, 'the test');

const taskOf = (store: MemoryStore, config: PartialConfig, more: Partial<TrainingTask> = {}): TrainingTask => ({
  ...{ store, dataset, run: 'run', start: { config: configOf(config) }, backend },
  ...more,
});

const scene = { id: 'a' } as Dataset['scenes'][number];

const ALL: PartialConfig = {
  batch: { positives: 4, negatives: 6, alike: { share: 0.5 } },
  loss: { ring: 0.1 },
  statistics: 'frozen',
  negatives: { generated: 0.5, margin: {}, ceiling: 0.95, memory: { size: 6, draw: 2 } },
};

it('goes on bit for bit where it was stopped, between two epochs and within one', async () => {
  const first = new MemoryStore();
  await train(taskOf(first, {}));
  const content = await loadCheckpoint(first, 'run/checkpoints/best.safetensors');
  const start = { config: configOf(ALL), from: { file: 'first', fingerprint: 'f', content } };
  const more = { start, unlabelled: [3, 4, 20, 21, 22, 23], negatives: { file: 'm', fingerprint: 'm', content: made } };
  const fingerprint = async (store: MemoryStore) => sha256(await store.read('run/checkpoints/last.safetensors'));

  const whole = new MemoryStore();
  const before = tf.memory().numTensors;
  await train(taskOf(whole, {}, more));
  expect(tf.memory().numTensors).toBe(before);
  const { tensors, resume } = await loadCheckpoint(whole, 'run/checkpoints/last.safetensors');
  expect(resume!.state.scale!.log).not.toBe(0);
  for (const [name, { data }] of tensors) {
    const isStatistic = /(mean|variance)$/.test(name);
    expect(String(data) === String(content.tensors.get(name)!.data), name).toBe(isStatistic);
  }
  const kept = (store: MemoryStore) => [...store.files.keys()].filter((name) => /memory|alike/.test(name)).sort();
  expect(kept(whole)).toEqual(['run/alike.json']);

  for (const stopAt of [2, 3]) {
    const store = new MemoryStore();
    const controller = new AbortController();
    const onProgress = ({ step }: { step: number }) => {
      if (step === stopAt) controller.abort();
    };
    await train(taskOf(store, {}, { ...more, onProgress, signal: controller.signal }));
    const last = await loadLast(store, 'run');
    expect(kept(store)).toEqual(['run/alike.json', 'run/memory/epoch-1.safetensors']);
    await train(taskOf(store, {}, { ...more, start: { last } }));
    expect(kept(store)).toEqual(['run/alike.json']);
    expect(await fingerprint(store), `stopped at step ${stopAt}`).toBe(await fingerprint(whole));
  }
});

describe('settings', () => {
  it('that are left out leave the configuration as it was', () => {
    const keys = JSON.stringify(configOf({}));
    for (const name of ['alike', 'loss', 'statistics', 'margin', 'ceiling', 'counted', 'memory'])
      expect(keys).not.toContain(`"${name}":`);
  });

  it('that contradict each other, or the matcher, are refused', async () => {
    expect(() => configOf({ negatives: { margin: {}, counted: false } })).toThrow(/negatives.margin/);
    const full = (negatives: PartialConfig) => () => configOf({ batch: { positives: 4, negatives: 4 }, negatives });
    for (const apart of [{ margin: {} }, { counted: false }]) {
      expect(full({ ...apart, mined: 0, generated: 1 })).toThrow(/negatives.generated.*no negative of label 0/);
      expect(full({ ...apart, mined: 0, generated: [0.5, 0.8] })).toThrow(/negatives.generated/);
      expect(full({ ...apart, mined: 0, generated: 0.75 })).not.toThrow();
      expect(full({ ...apart, mined: 0.25, generated: 1 })).not.toThrow();
      expect(full({ ...apart, mined: 0, generated: 1, memory: {} })).not.toThrow();
    }
    expect(full({ mined: 0, generated: 1 })).not.toThrow();
    const refused = (settings: PartialConfig) => expect(train(taskOf(new MemoryStore(), settings))).rejects;
    await refused({ statistics: 'frozen' }).toThrow(/statistics.*checkpoint/);
    await refused({ preset: 'two-channel', negatives: { memory: {} } }).toThrow(/stream for each sensor/);
    await refused({ preset: 'two-channel', batch: { positives: 2, negatives: 2, alike: { share: 1 } } }).toThrow(
      /by.*place/,
    );
    await refused({ batch: { positives: 2, negatives: 2, alike: {} } }).toThrow(/at least two anchors, found 1 of 2/);
    const apart = { dataset: syntheticDataset({ pairsEach: 1 }) };
    const byPlace = { batch: { positives: 4, negatives: 4, alike: { by: 'place' as const } } };
    await expect(train(taskOf(new MemoryStore(), byPlace, apart))).rejects.toThrow(/one place.*found none.*features/);
    const store = new MemoryStore();
    const lonely = { dataset: syntheticDataset({ pairsEach: 1, split: [1, 2, 2] }) };
    const byFeatures = { batch: { positives: 4, negatives: 4, alike: {} } };
    await expect(train(taskOf(store, byFeatures, lonely))).rejects.toThrow(/different ground.*found none/);
    const scenes = { dataset: { ...dataset, scenes: [scene], scenesOf: () => [] } };
    await expect(train(taskOf(store, { preset: 'dense', ...byFeatures }, scenes))).rejects.toThrow(
      /draw windows.*none/,
    );
    expect(store.files.size).toBe(0);
    const alike = (settings: object) => () => configOf({ batch: { positives: 4, negatives: 4, alike: settings } });
    expect(alike({ by: 'code' })).toThrow(/batch.alike.generator.*by: code/);
    expect(alike({ generator: 's1-10m-spatial' })).toThrow(/batch.alike.generator/);
    const missing = {
      batch: { positives: 4, negatives: 4, alike: { by: 'code' as const, generator: 'no.safetensors' } },
    };
    await refused(missing).toThrow(/no.safetensors/);
    await refused({ preset: 'dense', loss: {} }).toThrow(/softmax over the batch/);
  });
});

it('a run that is stopped while it looks for look-alikes keeps no tensors', async () => {
  const controller = new AbortController();
  const readSar: Dataset['readSar'] = (record) => {
    controller.abort(new Error('stopped'));
    return dataset.readSar!(record);
  };
  const before = tf.memory().numTensors;
  const config = { batch: { positives: 4, negatives: 4, alike: {} } };
  const more = { dataset: { ...dataset, readSar }, signal: controller.signal };
  await expect(train(taskOf(new MemoryStore(), config, more))).rejects.toThrow('stopped');
  expect(tf.memory().numTensors).toBe(before);
});

it('look-alikes by the codes of a generator are of other ground, and keep no tensors', async () => {
  const store = new MemoryStore();
  const alike = { share: 0.5, by: 'code' as const, generator: 's1-10m-spatial' };
  const before = tf.memory().numTensors;
  await train(taskOf(store, { batch: { positives: 4, negatives: 6, alike } }));
  expect(tf.memory().numTensors).toBe(before);

  const partners = new Map<number, number[]>(JSON.parse(await readText(store, 'run/alike.json')));
  const anchors = dataset.indicesOf('train').filter((i) => dataset.records[i]!.label === 1);
  expect([...partners.keys()].sort((a, b) => a - b)).toEqual(anchors);
  const guard = placeGuard(dataset.records);
  for (const [anchor, others] of partners) {
    expect(others).toHaveLength(8); // 4 · 0.5 · 4
    expect(others.some((other) => guard.conflict(anchor, other))).toBe(false);
  }
  // The nearest one by the cosine of centred codes, encoded here.
  const generator = await openGenerator(await readGeneratorFile(store, alike.generator), alike.generator);
  const codes = await remakerOf(generator, dataset, 1)!.codes(anchors);
  generator.dispose();
  const mean = codes[0]!.map((_, i) => codes.reduce((sum, code) => sum + code[i]!, 0) / codes.length);
  const centred = new Map(anchors.map((anchor, k) => [anchor, codes[k]!.map((value, i) => value - mean[i]!)]));
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  for (const [anchor, [first]] of partners) {
    const likeness = (other: number) => cosine(centred.get(anchor)!, centred.get(other)!);
    const allowed = anchors.filter((other) => !guard.conflict(anchor, other));
    expect(likeness(first!)).toBeCloseTo(Math.max(...allowed.map(likeness)), 4);
  }
});

it('made negatives that score almost as high as their positives are left out', () => {
  const of = (ceiling?: number) => runNegativesOf(made, { reconstructions: false, ceiling }, undefined);
  expect([...of().generated!.keys()]).toHaveLength(12);
  expect([...of(0.95).generated!.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(of(0.95).changed.get(6)).toBe(0.5);
});

it('a batch gathers anchors that are alike, and those that are met are the same', () => {
  const anchors = Array.from({ length: 40 }, (_, i) => i);
  const alike = { count: 4, of: new Map(anchors.map((i) => [i, anchors.filter((j) => j !== i && j % 5 === i % 5)])) };
  const options = { seed: 1, positives: 8, negatives: 56, alike };
  const sampler = createSampler({ anchors, listed: [], guard: guardWhere((i, j) => i === j) }, options);
  const seen = new Set<number>();
  for (let step = 0; step < 5; step++) {
    const { optical, labels } = sampler.plan(step, { mined: new Map() }, { mined: 0, listed: 0 });
    const records = optical.map(({ record }) => record);
    expect(new Set(records).size).toBe(8);
    expect(new Set(records.slice(0, 4).map((record) => record % 5)).size).toBe(1);
    expect(labels.filter((label) => label === 0)).toHaveLength(56);
    for (const record of records) seen.add(record);
  }
  expect(anchorsMet(anchors, options, 0, 5)).toEqual([...seen].sort((a, b) => a - b));
});

describe('a matcher', () => {
  const noise = (n: number, seed: number) => normalNoise([n, 32, 32, 1], { seed, offset: 0 }) as tf.Tensor4D;

  it('joins remembered patches as it would join them in the batch, and keeps statistics that are frozen', () => {
    const matcher = createMatcher({ preset: planted.name, side: 32, sarBands: 1, opticalBands: 1, seed: 1 });
    const [sar, optical] = [noise(3, 1), noise(2, 2)];
    for (const variable of matcher.statistics.values()) variable.assign(tf.add(tf.abs(variable), 0.3));
    const frozen = { training: true, seed: 1, step: 0, frozen: true } as const;
    const before = [...matcher.statistics.values()].flatMap((each) => [...each.dataSync()]);
    const pairing = { sar: [0, 1, 2], optical: [0, 1, 1] };
    const whole = matcher.logits(sar, optical, frozen, pairing).dataSync();
    const rest = matcher.remember(tf.slice(sar, 1), true);
    const joined = matcher.logits(tf.slice(sar, 0, 1), optical, frozen, pairing, rest).dataSync();
    for (const [i, value] of whole.entries()) expect(joined[i]).toBeCloseTo(value, 5);
    const evaluated = matcher.logits(sar, optical, { training: false }, pairing).dataSync();
    for (const [i, value] of whole.entries()) expect(evaluated[i]).toBeCloseTo(value, 4);
    expect([...matcher.statistics.values()].flatMap((each) => [...each.dataSync()])).toEqual(before);
    matcher.dispose();
  });
});
