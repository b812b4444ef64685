/** Training with made patches: their share by epoch, reconstructions in the same share, and negatives found anew. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import type { NegativeSet } from '../../../../packages/core/src/generator/made_patches.ts';
import { standardiseAgain } from '../../../../packages/core/src/generator/match_histogram.ts';
import { ARCHITECTURES } from '../../../../packages/core/src/matcher/architectures.ts';
import type { Normalisation } from '../../../../packages/core/src/prepare/normalisation.ts';
import type { PartialConfig } from '../../../../packages/core/src/runs/settings.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { resolveConfig } from '../../../../packages/core/src/training/matcher/config.ts';
import { patchDrawer } from '../../../../packages/core/src/training/matcher/draw_patch.ts';
import {
  createSampler,
  type HardNegatives,
  madeByAnchor,
  type TrainingPairs,
} from '../../../../packages/core/src/training/matcher/sampler.ts';
import type { TrainingTask } from '../../../../packages/core/src/training/matcher/task.ts';
import { loadLast } from '../../../../packages/core/src/training/matcher/task.ts';
import { train } from '../../../../packages/core/src/training/matcher/train.ts';
import { selectProcessorBackend } from '../../../backends.ts';
import { guardWhere } from '../../dataset/fake_guard.ts';
import { planted } from '../../matcher/planted_architecture.ts';
import { blockGenerator } from './block_generator.ts';
import { syntheticDataset, syntheticNormalisation } from './synthetic.ts';

const SIDE = 64;
const dataset = syntheticDataset();
let backend: string;
let normalisation: Normalisation;

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  ({ name: backend } = await selectProcessorBackend());
  normalisation = await syntheticNormalisation();
});

describe('a batch with made patches', () => {
  const pairs: TrainingPairs = {
    anchors: Array.from({ length: 40 }, (_, i) => i),
    listed: [],
    guard: guardWhere((i, j) => i === j),
  };
  const made: HardNegatives = {
    mined: new Map(),
    generated: madeByAnchor(Array.from({ length: 40 }, (_, i) => ({ optical: i, patch: 100 + i }))),
    reconstructed: madeByAnchor(Array.from({ length: 40 }, (_, i) => ({ optical: i, patch: 200 + i }))),
  };
  const options = { seed: 1, positives: 8, negatives: 16 };

  it('puts them beside the optical patch they were made for, moved alike', () => {
    const { sar, optical, pairing, labels } = createSampler(pairs, options).plan(0, made, {
      mined: 0,
      generated: 0.25,
      listed: 0,
    });
    const drawn = labels.flatMap((label, k) => (sar[pairing.sar[k]!]!.made === undefined ? [] : [{ label, k }]));
    expect(drawn.filter(({ label }) => label === 0)).toHaveLength(4);
    for (const { label, k } of drawn) {
      const [s, o] = [sar[pairing.sar[k]!]!, optical[pairing.optical[k]!]!];
      expect(s).toEqual({ record: o.record, geometry: o.geometry, made: (label === 0 ? 100 : 200) + o.record });
    }
  });

  it('has reconstructions among the positives in the same share as made ones among the negatives', () => {
    const sampler = createSampler(pairs, options);
    const counts = { 0: 0, 1: 0 };
    for (let step = 0; step < 200; step++) {
      const { sar, pairing, labels } = sampler.plan(step, made, { mined: 0, generated: 0.3, listed: 0 });
      expect(labels.filter((label) => label === 1)).toHaveLength(8);
      expect(labels.filter((label) => label === 0)).toHaveLength(16);
      labels.forEach((label, k) => {
        if (sar[pairing.sar[k]!]!.made !== undefined) counts[label]++;
      });
    }
    expect(counts[0] / (200 * 16)).toBeCloseTo(0.3, 1);
    expect(counts[1] / (200 * 8)).toBeCloseTo(counts[0] / (200 * 16), 1);
  });

  it('draws them flipped and turned as the optical patch is, and prepared', async () => {
    const stack = { data: Float32Array.from({ length: SIDE * SIDE }, (_, i) => i), side: SIDE, count: 1 };
    standardiseAgain(stack.data, normalisation);
    const config = { seed: 1, augmentation: { flips: true, turns: true, shift: 3, speckleLooks: null } };
    const patches = { sar: () => new Float32Array(), optical: () => new Float32Array() };
    const draw = patchDrawer({ task: { dataset }, normalisation, patches, config });
    const drawn = await draw('sar', { record: 0, geometry: 2, made: 0 }, 5, stack);
    expect(drawn).toHaveLength(SIDE * SIDE);
    expect(drawn).not.toEqual(stack.data);
    expect(drawn.reduce((sum, value) => sum + value, 0) / drawn.length).toBeCloseTo(0, 5);
    expect(await draw('sar', { record: 0, geometry: 2, made: 0 }, 5, stack)).toEqual(drawn);
  });
});

const small = {
  preset: planted.name,
  ...{ epochs: 3, stepsPerEpoch: 2, batch: { positives: 2, negatives: 4 }, validation: { positives: 2 } },
  selection: { patience: null },
};
const configOf = (settings: PartialConfig) =>
  resolveConfig([small, settings], { data: 'synthetic', side: SIDE, positives: 12 }, 'the test');

/** One flat patch for each of the twelve anchors, and a reconstruction for the first. */
function madeSet(preparation = normalisation): NegativeSet {
  const data = new Float32Array(13 * SIDE * SIDE).map((_, i) => Math.sin(i));
  const negatives = Array.from({ length: 12 }, (_, i) => ({ optical: i, patch: i }));
  return {
    mined: [],
    generated: {
      generator: 'g',
      normalisation: { side: preparation.side, sar: preparation.sar },
      patches: { data, side: SIDE, count: 13 },
      negatives,
      reconstructions: [{ optical: 0, patch: 12 }],
    },
  };
}

describe('a run', () => {
  const taskOf = (store: MemoryStore, config: PartialConfig, more: Partial<TrainingTask> = {}): TrainingTask => ({
    ...{ store, dataset, run: 'run', start: { config: configOf(config) }, backend },
    ...more,
  });
  const negatives = (content: NegativeSet) => ({ file: 'made.jsonl', fingerprint: 'f', content });
  const fingerprint = async (store: MemoryStore) => sha256(await store.read('run/checkpoints/last.safetensors'));

  it('learns from made negatives in the share of the epoch', async () => {
    // Two steps an epoch, of four negatives each.
    expect(await drawsOf([0.5, 1, 0], 1)).toBe(2 * 2);
    expect(await drawsOf([0.5, 1, 0], 3)).toBe(2 * 2 + 2 * 4);
  });

  /** Made patches that a run draws. Each draw reads the stack's samples once. */
  async function drawsOf(generated: number[], epochs: number): Promise<number> {
    const { mined, generated: made } = madeSet();
    let draws = 0;
    const { data, ...shape } = made!.patches;
    const patches = Object.defineProperty({ ...shape, data }, 'data', {
      get() {
        draws++;
        return data;
      },
    });
    const content = { mined, generated: { ...made!, patches } };
    // An anchor gives one made negative a batch: as many anchors as negatives leave room for a share of 1.
    const config = { epochs, batch: { positives: 4, negatives: 4 }, negatives: { generated } };
    await train(taskOf(new MemoryStore(), config, { negatives: negatives(content) }));
    return draws;
  }

  it('refuses patches of another normalisation, missing reconstructions, and speckle on real patches only', async () => {
    const store = new MemoryStore();
    const other = { ...normalisation, sar: { ...normalisation.sar, clip: null } };
    await expect(train(taskOf(store, {}, { negatives: negatives(madeSet(other)) }))).rejects.toThrow(
      /made\.jsonl.*expected.*sar\.clip/,
    );
    const bare = madeSet();
    const without = { ...bare, generated: { ...bare.generated!, reconstructions: [] } };
    await expect(
      train(taskOf(store, { negatives: { reconstructions: true } }, { negatives: negatives(without) })),
    ).rejects.toThrow(/--reconstructions/);
    await expect(
      train(taskOf(store, { augmentation: { speckleLooks: 4 } }, { negatives: negatives(madeSet()) })),
    ).rejects.toThrow(/speckleLooks/);
    expect(() => configOf({ negatives: { file: 'a.jsonl', adaptive: {} } })).toThrow(/both \(a\.jsonl\)/);
  });

  const adaptive = {
    negatives: {
      reconstructions: true,
      adaptive: {
        ...{ generator: 'g.safetensors', everyEpochs: 2, strengths: [0.5, 1], real: 1 },
        ...{ minScore: 0, relativeMargin: 0, minDistance: 0 },
      },
    },
  };

  it('finds adaptive negatives anew every two epochs, and goes on bit for bit where it was stopped between', async () => {
    const generator = blockGenerator(normalisation, dataset.fingerprint);
    const whole = new MemoryStore();
    const lines: string[] = [];
    const before = tf.memory().numTensors;
    await train(taskOf(whole, adaptive, { generator, onLog: (line) => lines.push(line) }));
    expect(tf.memory().numTensors).toBe(before);
    // Those that are met until the next time: two anchors a step, for four steps and then for two.
    const found = lines.flatMap((line) => /negatives again for (\d+) anchors/.exec(line)?.[1] ?? []);
    expect(found).toEqual(['8', '4']);
    expect([...whole.files.keys()].filter((name) => name.includes('negatives')).sort()).toEqual([
      'run/negatives/epoch-3.jsonl',
      'run/negatives/epoch-3.patches.safetensors',
    ]);

    for (const stopAt of [3, 4]) {
      const store = new MemoryStore();
      const controller = new AbortController();
      const onProgress = ({ step }: { step: number }) => {
        if (step === stopAt) controller.abort();
      };
      await train(taskOf(store, adaptive, { generator, onProgress, signal: controller.signal }));
      const last = await loadLast(store, 'run');
      await train(taskOf(store, {}, { generator, start: { last } }));
      expect(await fingerprint(store), `stopped at step ${stopAt}`).toBe(await fingerprint(whole));
    }
  });

  it('refuses to go on with another generator, and to make patches without one', async () => {
    const store = new MemoryStore();
    const controller = new AbortController();
    const generator = blockGenerator(normalisation, dataset.fingerprint);
    await train(
      taskOf(store, adaptive, { generator, onProgress: () => controller.abort(), signal: controller.signal }),
    );
    const last = await loadLast(store, 'run');
    const other = { ...generator, info: { ...generator.info, fingerprint: 'c'.repeat(64) } };
    await expect(train(taskOf(store, {}, { generator: other, start: { last } }))).rejects.toThrow(
      /negatives that it began/,
    );
    await expect(train(taskOf(store, { negatives: { adaptive: {} } }))).rejects.toThrow(
      /"negatives.adaptive.generator"/,
    );
  });
});
