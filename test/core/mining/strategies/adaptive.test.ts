/** Adaptive negatives: the hardest of several that are still safely negatives, and why the others were dropped. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { patchAt } from '../../../../packages/core/src/generator/made_patches.ts';
import { patchDistance } from '../../../../packages/core/src/generator/patch_distance.ts';
import { adaptiveSettingsSchema } from '../../../../packages/core/src/mining/adaptive_settings.ts';
import { type AdaptiveTask, mineAdaptive } from '../../../../packages/core/src/mining/strategies/adaptive.ts';
import { dataset, fakeGenerator, guard, model, patches, patchOf, SIDE } from '../fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const loose = { minScore: 0, relativeMargin: 0, minDistance: 0 };
const settings = (change: object) =>
  adaptiveSettingsSchema.parse({ ...loose, strengths: [0.5, 1, 2], real: 2, ...change });
const task = (change: object = {}, more: Partial<AdaptiveTask> = {}): AdaptiveTask => ({
  ...{ dataset, model, patches, generator: fakeGenerator(), guard, seed: 1, reconstructions: false },
  settings: settings(change),
  ...more,
});

describe('adaptive negatives', () => {
  it('are the candidate that the matcher scores highest, here the one that was moved least', async () => {
    const before = tf.memory().numTensors;
    const { negatives, report } = await mineAdaptive(task());
    expect(tf.memory().numTensors).toBe(before);
    expect(negatives).toHaveLength(6);
    expect(report).toMatchObject({ anchors: 6, chosen: { made: 6, real: 0 }, byStrength: { 0.5: 6 }, shortages: 0 });
    expect(report.candidates).toEqual({ made: 18, real: 12 });
    expect(report.surplus).toBe(18 + 12 - 6);
  });

  it('are the hardest of each kind where both are wanted', async () => {
    const { negatives, report } = await mineAdaptive(task({ perKind: true }));
    expect(report).toMatchObject({ chosen: { made: 6, real: 6 }, byStrength: { 0.5: 6 }, shortages: 0 });
    for (const anchor of [0, 1, 2, 3, 4, 5]) {
      const own = negatives.filter(({ optical }) => optical === anchor);
      expect(own.map((negative) => 'sar' in negative).sort()).toEqual([false, true]);
    }
    const { report: near } = await mineAdaptive(task({ perKind: true, minDistance: 10 }));
    expect(near).toMatchObject({ chosen: { made: 0, real: 6 }, shortages: 6 });
  });

  it('may be the real patch that looks most alike, as a kind of its own, never the same as the hardest', async () => {
    const { negatives, report } = await mineAdaptive(task({ perKind: true, strengths: [], real: 1, nearest: 3 }));
    expect(report.candidates).toEqual({ made: 0, real: 6 + 18 });
    expect(report.dropped.repeated).toBeGreaterThan(0);
    for (const anchor of [0, 1, 2, 3, 4, 5]) {
      const own = negatives.filter(({ optical }) => optical === anchor);
      expect(own.map(({ reason }) => reason.split(',')[0]).sort()).toEqual(['adaptive: nearest', 'adaptive: real']);
      expect(new Set(own.map((negative) => 'sar' in negative && negative.sar)).size).toBe(2);
    }
    const { report: strict } = await mineAdaptive(task({ strengths: [], real: 0, nearest: 3, relativeMargin: 1 }));
    expect(strict).toMatchObject({ chosen: { made: 0, real: 0 }, shortages: 6 });
    expect(strict.dropped.margin).toBe(18);
  });

  it('drop what is too easy, beyond the margin and too near, and count each candidate once', async () => {
    const { report: near, negatives } = await mineAdaptive(task({ minDistance: 0.2, real: 0 }));
    expect(near.dropped.tooNear).toBeGreaterThan(0);
    expect(near.dropped.tooNear + near.chosen.made + near.surplus).toBe(18);
    for (const negative of negatives) expect('distance' in negative && negative.distance).toBeGreaterThanOrEqual(0.2);
    const { report: easy } = await mineAdaptive(task({ minScore: 0.9, real: 0 }));
    expect(easy.dropped.tooEasy).toBeGreaterThan(0);
    expect(easy.quantiles.negatives!.min).toBeGreaterThanOrEqual(0.9);
    const { report: margin } = await mineAdaptive(task({ relativeMargin: 0.1, real: 0 }));
    expect(margin.dropped.margin).toBeGreaterThan(0);
    expect(margin.quantiles.negatives!.max).toBeLessThanOrEqual(0.9);
  });

  it('fall back on real patches of other ground where made ones are too near', async () => {
    const { negatives, report, header } = await mineAdaptive(task({ minDistance: 10 }));
    expect(report.chosen).toEqual({ made: 0, real: 6 });
    for (const negative of negatives) {
      if (!('sar' in negative)) throw new Error('a made one');
      expect(guard.conflictsOf(negative.optical).has(negative.sar)).toBe(false);
    }
    expect(header).toMatchObject({ strategy: 'adaptive', patches: { count: 0 } });
    const alone = await mineAdaptive(task({ strengths: [] }, { generator: undefined }));
    expect(alone.header.generatorFingerprint).toBeNull();
    expect(alone.negatives.map(({ optical }) => optical)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('come with reconstructions where they are asked for', async () => {
    const { negatives, report, patches: stack } = await mineAdaptive(task({}, { reconstructions: true }));
    expect(report.reconstructions).toBe(6);
    expect(stack.count).toBe(12);
    expect(negatives.filter((negative) => (negative.label as number) === 1)).toHaveLength(6);
  });

  it('are found for a draw of the anchors that follows from the seed', async () => {
    const opticals = async (seed: number) =>
      (await mineAdaptive(task({}, { anchors: 3, seed }))).negatives.map(({ optical }) => optical);
    expect(await opticals(1)).toHaveLength(3);
    expect(await opticals(1)).toEqual(await opticals(1));
    const draws = new Set(await Promise.all([1, 2, 3, 4, 5].map(async (seed) => String(await opticals(seed)))));
    expect(draws.size).toBeGreaterThan(1);
  });

  it('climb the matcher’s score in latent space, and stay away from the true patch', async () => {
    const strengths = [2];
    const plain = await mineAdaptive(task({ strengths, real: 0 }));
    const climbed = await mineAdaptive(task({ strengths, real: 0, ascent: { steps: 6, size: 1 } }));
    expect(climbed.report.quantiles.negatives!.mean).toBeGreaterThan(plain.report.quantiles.negatives!.mean);
    const minDistance = 0.15;
    const held = await mineAdaptive(task({ strengths, real: 0, minDistance, ascent: { steps: 40, size: 1 } }));
    expect(held.negatives.length).toBeGreaterThan(0);
    for (const negative of held.negatives) {
      if ('sar' in negative) throw new Error('a real one');
      const distance = patchDistance(patchAt(held.patches, negative.patch), patchOf(negative.optical), SIDE);
      expect(distance).toBeGreaterThanOrEqual(minDistance);
    }
  });
});
