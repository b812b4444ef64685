/** Adaptive negatives: the hardest of several that are still safely negatives, and why the others were dropped. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import type { AdaptiveSettings } from '../../../../packages/core/src/mining/adaptive_settings.ts';
import { adaptive } from '../../../../packages/core/src/mining/strategies/adaptive.ts';
import type { Bench } from '../../../../packages/core/src/mining/strategy.ts';
import { fakeBench, guard } from '../fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const loose = { minScore: 0, relativeMargin: 0, minDistance: 0, strengths: [0.5, 1, 2], real: 2 };
const mineAdaptive = (settings: Partial<AdaptiveSettings> = {}, change: Partial<Bench> = {}) =>
  adaptive.find(fakeBench(change), adaptive.settings.parse({ ...loose, ...settings }), {});

describe('settings', () => {
  it.each([
    [{ rule: 'swap' }, 'strengths'],
    [{ rule: 'mix', strengths: [0.3, 1] }, 'strengths'],
    [{ edit: 'ratio', reconstructions: true }, 'reconstructions'],
  ])('that cannot be meant together are refused: %o', (given, path) => {
    expect(adaptive.settings.safeParse(given).error?.issues.map((issue) => issue.path)).toEqual([[path]]);
  });
});

describe('adaptive negatives', () => {
  it('are the candidate that the matcher scores highest, here the one that was moved least', async () => {
    const before = tf.memory().numTensors;
    const { negatives, report } = await mineAdaptive();
    expect(tf.memory().numTensors).toBe(before);
    expect(negatives).toHaveLength(6);
    expect(report).toMatchObject({ anchors: 6, chosen: { made: 6, real: 0 }, byStrength: { 0.5: 6 }, shortages: 0 });
    expect(report.candidates).toEqual({ made: 18, real: 12 });
    expect(report.surplus).toBe(18 + 12 - 6);
  });

  it('are the hardest of each kind where both are wanted', async () => {
    const { negatives, report } = await mineAdaptive({ perKind: true });
    expect(report).toMatchObject({ chosen: { made: 6, real: 6 }, byStrength: { 0.5: 6 }, shortages: 0 });
    for (const anchor of [0, 1, 2, 3, 4, 5]) {
      const own = negatives.filter(({ optical }) => optical === anchor);
      expect(own.map((negative) => 'sar' in negative).sort()).toEqual([false, true]);
    }
    const { report: near } = await mineAdaptive({ perKind: true, minDistance: 10 });
    expect(near).toMatchObject({ chosen: { made: 0, real: 6 }, shortages: 6 });
  });

  it('may be the real patch that looks most alike, as a kind of its own, never the same as the hardest', async () => {
    const { negatives, report } = await mineAdaptive({ perKind: true, strengths: [], real: 1, nearest: 3 });
    expect(report.candidates).toEqual({ made: 0, real: 6 + 18 });
    expect(report.dropped.repeated).toBeGreaterThan(0);
    for (const anchor of [0, 1, 2, 3, 4, 5]) {
      const own = negatives.filter(({ optical }) => optical === anchor);
      expect(own.map(({ reason }) => reason.split(',')[0]).sort()).toEqual(['adaptive: nearest', 'adaptive: real']);
      expect(new Set(own.map((negative) => 'sar' in negative && negative.sar)).size).toBe(2);
    }
    const { report: strict } = await mineAdaptive({ strengths: [], real: 0, nearest: 3, relativeMargin: 1 });
    expect(strict).toMatchObject({ chosen: { made: 0, real: 0 }, shortages: 6 });
    expect(strict.dropped.margin).toBe(18);
  });

  it('drop what is too easy, beyond the margin and too near, and count each candidate once', async () => {
    const { report: near, negatives } = await mineAdaptive({ minDistance: 0.2, real: 0 });
    expect(near.dropped.tooNear).toBeGreaterThan(0);
    expect(near.dropped.tooNear + near.chosen.made + near.surplus).toBe(18);
    for (const negative of negatives) expect('distance' in negative && negative.distance).toBeGreaterThanOrEqual(0.2);
    const { report: easy } = await mineAdaptive({ minScore: 0.9, real: 0 });
    expect(easy.dropped.tooEasy).toBeGreaterThan(0);
    expect(easy.quantiles.negatives!.min).toBeGreaterThanOrEqual(0.9);
    const { report: margin } = await mineAdaptive({ relativeMargin: 0.1, real: 0 });
    expect(margin.dropped.margin).toBeGreaterThan(0);
    expect(margin.quantiles.negatives!.max).toBeLessThanOrEqual(0.9);
  });

  it('fall back on real patches of other ground where made ones are too near', async () => {
    const { negatives, report, header } = await mineAdaptive({ minDistance: 10 });
    expect(report.chosen).toEqual({ made: 0, real: 6 });
    for (const negative of negatives) {
      if (!('sar' in negative)) throw new Error('a made one');
      expect(guard.conflictsOf(negative.optical).has(negative.sar)).toBe(false);
    }
    expect(header).toMatchObject({ strategy: 'adaptive', patches: { count: 0 } });
    const alone = await mineAdaptive({ strengths: [] }, { generator: undefined });
    expect(alone.header).toMatchObject({ generatorFingerprint: null });
    expect(alone.negatives.map(({ optical }) => optical)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('come with reconstructions where they are asked for', async () => {
    const { negatives, report, patches: stack } = await mineAdaptive({ reconstructions: true });
    expect(report.reconstructions).toBe(6);
    expect(stack?.count).toBe(12);
    expect(negatives.filter((negative) => (negative.label as number) === 1)).toHaveLength(6);
  });

  it('are found for a draw of the anchors that follows from the seed', async () => {
    const opticals = async (seed: number) =>
      (await mineAdaptive({ anchors: 3 }, { seed })).negatives.map(({ optical }) => optical);
    expect(await opticals(1)).toHaveLength(3);
    expect(await opticals(1)).toEqual(await opticals(1));
    const draws = new Set(await Promise.all([1, 2, 3, 4, 5].map(async (seed) => String(await opticals(seed)))));
    expect(draws.size).toBeGreaterThan(1);
  });

  it('need a generator where patches are to be made', async () => {
    await expect(mineAdaptive({}, { generator: undefined })).rejects.toThrow(/--generator.*none/);
    expect(adaptive.needsGenerator(adaptive.settings.parse({}))).toBe(true);
    expect(adaptive.needsGenerator(adaptive.settings.parse({ strengths: [] }))).toBe(false);
  });
});

describe('settings', () => {
  it.each([{ ascent: { steps: 0 } }, { match: 'histogram' }, { strengths: [0] }, { minScore: 2 }])(
    'that cannot be meant are refused: %o',
    (given) => {
      expect(adaptive.settings.safeParse(given).success).toBe(false);
    },
  );
});
