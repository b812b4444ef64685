/** A whole small experiment: every strategy, resumption cell by cell, and what is refused. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import type { Normalisation } from '../../packages/core/src/prepare/normalisation.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { type Cell, readCell } from '../../packages/experiment/src/cell.ts';
import { parseExperiment } from '../../packages/experiment/src/config.ts';
import { type ExperimentTask, runExperiment } from '../../packages/experiment/src/experiment.ts';
import { resultsOf } from '../../packages/experiment/src/results.ts';
import { selectProcessorBackend } from '../backends.ts';
import { planted } from '../core/matcher/planted_architecture.ts';
import { blockGenerator } from '../core/training/matcher/block_generator.ts';
import { syntheticDataset, syntheticNormalisation } from '../core/training/matcher/synthetic.ts';

const dataset = syntheticDataset({ places: 10, pairsEach: 2, split: [5, 2, 3] });
let backend: string;
let normalisation: Normalisation;

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  ({ name: backend } = await selectProcessorBackend());
  normalisation = await syntheticNormalisation();
});

const stage = { stepsPerEpoch: 2, batch: { positives: 2, negatives: 4 }, validation: { positives: 4 } };
const loose = { minScore: 0, relativeMargin: 0, minDistance: 0 };
const settings = {
  data: 'synthetic',
  seeds: [3],
  budgets: [1],
  matchers: [planted.name],
  generators: { vae: 'vae.safetensors' },
  arms: {
    random: { strategy: 'random' },
    loss: { strategy: 'loss' },
    nearest: { strategy: 'nearest' },
    generated: { strategy: 'generated', generator: 'vae', reconstructions: true, match: 'speckle' },
    adaptive: { strategy: 'adaptive', generator: 'vae', strengths: [1], real: 1, ...loose },
    margin: {
      strategy: 'generated',
      generator: 'vae',
      reconstructions: true,
      match: 'speckle',
      tune: { negatives: { margin: {} } },
    },
    placebo: { strategy: 'placebo', generator: 'vae', tune: { statistics: 'frozen' } },
    blur: { strategy: 'placebo', kind: 'blur', tune: { negatives: { counted: false } } },
    blocks: { strategy: 'blocks' },
    ceiling: { strategy: 'ceiling' },
    real: {
      strategy: 'random',
      tune: { batch: { alike: { share: 1 } }, negatives: { memory: { size: 4, draw: 2 } }, loss: {} },
    },
  },
  base: { epochs: 1, ...stage },
  tune: { epochs: 1, ...stage },
  share: 0.5,
  evaluation: { positives: 4, shifts: [8], resamples: 20, permutations: 20 },
};

const taskOf = (store: MemoryStore, change: object = {}, more: Partial<ExperimentTask> = {}): ExperimentTask => ({
  ...{ store, out: 'out', config: parseExperiment({ ...settings, ...change }, 'test'), dataset },
  generatorFor: async () => blockGenerator(normalisation, dataset.fingerprint),
  ...{ backend, precision: 'fp32', machine: 'this one', commit: null },
  ...more,
});

const cellsOf = async (store: MemoryStore) => {
  const paths = [...store.files.keys()].filter((path) => path.startsWith('out/cells/'));
  return Promise.all(paths.map(async (path) => (await readCell(store, path)) as Cell));
};

describe('an experiment', () => {
  it('makes a cell for each arm, goes on where it was cut short, and can be reported on', async () => {
    const store = new MemoryStore();
    const controller = new AbortController();
    const stopAfterTwo = (line: string) => {
      if (line.includes('loss done')) controller.abort();
    };
    const before = tf.memory().numTensors;
    const cut = runExperiment(taskOf(store, {}, { onLog: stopAfterTwo, signal: controller.signal }));
    await cut.then(
      ({ interrupted }) => expect(interrupted).toBe(true),
      (error) => expect(error).toBe(controller.signal.reason),
    );
    expect(await cellsOf(store)).toHaveLength(2);

    const first = await store.read('out/cells/planted-100-3/random.json');
    expect(await runExperiment(taskOf(store))).toMatchObject({
      cells: 11,
      made: 9,
      kept: 2,
      interrupted: false,
      mirrored: 4,
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(await store.read('out/cells/planted-100-3/random.json')).toBe(first);
    expect([...store.files.keys()].filter((path) => path.startsWith('out/runs/'))).toEqual([]);

    const cells = await cellsOf(store);
    expect(cells.map(({ arm }) => arm).sort()).toEqual(Object.keys(settings.arms).sort());
    for (const cell of cells) {
      expect(cell.training).toMatchObject({ steps: 4, places: 5, pairs: 10 });
      expect(cell.positives).toHaveLength(4);
      expect(Object.keys(cell.sets)).toEqual(['shuffled', 'look-alikes', 'shift-8']);
      expect(cell.sets['shift-8']!.scores).toHaveLength(4);
      expect(cell.mining === null).toBe(['random', 'real'].includes(cell.arm));
      expect(cell.shortcut).toMatchObject({ generator: 'vae', pairs: 4 });
    }
    expect(new Set(cells.map(({ positives }) => String(positives))).size, 'arms differ').toBe(11);
    expect(new Set(cells.map(({ tests }) => tests)).size).toBe(1);
    // Arms that share their negatives have the seconds that finding them took.
    const [generated, margin] = ['generated', 'margin'].map((arm) => cells.find((cell) => cell.arm === arm)!.seconds);
    expect(margin!.mining).toBe(generated!.mining);
    expect(margin!.mining).toBeGreaterThan(0);
    const adaptive = cells.find(({ arm }) => arm === 'adaptive');
    expect(adaptive!.mining).toMatchObject({ refreshed: [{ epoch: 1, anchors: expect.any(Number), chosen: {} }] });
    const options = { baseline: 'random', champion: 'adaptive', resamples: 20, permutations: 20, seed: 1, order: [] };
    expect((await resultsOf(cells, options)).toBaseline).toHaveLength(10 * 3);

    // The same again is nothing to do; further arms are added, and other settings refused.
    expect(await runExperiment(taskOf(store))).toMatchObject({ made: 0, kept: 11 });
    await expect(runExperiment(taskOf(store, { share: 0.25 }))).rejects.toThrow(
      /cells.*found one made with other settings/,
    );

    // The first stage is used again under its own settings only.
    await store.remove('out/cells/planted-100-3/random.json');
    const only = { selection: { arms: ['random'] } };
    await expect(runExperiment(taskOf(store, { alignment: 'repaired' }, only))).rejects.toThrow(
      /first stage out\/base\/planted-100-3.*found one of other settings/,
    );
    expect(await runExperiment(taskOf(store, { share: 0.25 }, only))).toMatchObject({ made: 1 });
  });

  it('gives the same scores for the same seed', async () => {
    const scores = async () => {
      const store = new MemoryStore();
      await runExperiment(taskOf(store, {}, { selection: { arms: ['random'] } }));
      return (await cellsOf(store)).map(({ positives, sets }) => ({ positives, sets }));
    };
    expect(await scores()).toEqual(await scores());
  });

  it('tests on the validation split where settings of arms are chosen', async () => {
    const store = new MemoryStore();
    const evaluation = { ...settings.evaluation, split: 'validation', positives: 100 };
    await runExperiment(taskOf(store, { evaluation, arms: { random: settings.arms.random }, generators: {} }));
    const [cell] = await cellsOf(store);
    const groups = dataset.indicesOf('validation').map((index) => dataset.records[index]!.group);
    expect([...cell!.places].sort()).toEqual([...new Set(groups)].sort());
  });

  it('refuses generators whose patches are prepared in two ways', async () => {
    const generatorFor = async (name: string) => {
      const sar = { ...normalisation.sar, ...(name === 'other' && { clip: null }) };
      return blockGenerator({ ...normalisation, sar }, dataset.fingerprint);
    };
    const arms = { ...settings.arms, noise: { strategy: 'generated', generator: 'other', rule: 'noise' } };
    const generators = { vae: 'vae.safetensors', other: 'other.safetensors' };
    await expect(runExperiment(taskOf(new MemoryStore(), { arms, generators }, { generatorFor }))).rejects.toThrow(
      /generator other.*sar.clip/,
    );
  });
});
