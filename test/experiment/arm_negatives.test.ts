/** What an arm becomes: negatives for the second stage, and settings of it. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { type Model, openModel } from '../../packages/core/src/model.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { parseConfig, resolveConfig } from '../../packages/core/src/training/matcher/config.ts';
import { type ArmTask, negativesOf } from '../../packages/experiment/src/arm_negatives.ts';
import { armSchema, identityOf, parseExperiment } from '../../packages/experiment/src/config.ts';
import { selectProcessorBackend } from '../backends.ts';
import { blockGenerator } from '../core/training/matcher/block_generator.ts';
import { syntheticDataset, syntheticNormalisation } from '../core/training/matcher/synthetic.ts';

const dataset = syntheticDataset();
/** Anchors that the second stage meets: six of the twelve of the training split. */
const anchors = [0, 1, 4, 5, 8, 11];
let model: Model;
let generator: ArmTask['generator'];

beforeAll(async () => {
  const { name: backend } = await selectProcessorBackend();
  const normalisation = await syntheticNormalisation();
  const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
  const checkpoint = {
    ...{ matcher: matcher.config, normalisation, calibration: { temperature: 2, threshold: 0.5 }, metrics: {} },
    tensors: await valuesOf(new Map<string, tf.Tensor>([...matcher.parameters, ...matcher.statistics])),
    trainedOn: { folder: 'data', dataFingerprint: dataset.fingerprint },
    ...{ inputs: { from: null, negatives: null }, backend, training: {} },
  };
  matcher.dispose();
  model = await openModel(writeCheckpoint(checkpoint), 'best.safetensors');
  generator = blockGenerator(normalisation, dataset.fingerprint);
});
afterAll(() => model.dispose());

const config = { share: 0.2, generators: { noise: 'runs/noise.safetensors' } };
const run = (arm: object) =>
  negativesOf({
    ...{ store: new MemoryStore(), dataset, model, generator, anchors, config, seed: 3 },
    arm: armSchema.parse(arm),
  });
const placeOf = (record: number) => dataset.records[record]!.group;

describe('an arm that mines', () => {
  it.each(['loss', 'nearest'])(
    '%s has a real negative of another place for each anchor that is met',
    async (strategy) => {
      const { negatives, settings, report } = await run({ strategy, k: 2, share: [0.3, 0] });
      expect(negatives!.generated).toBeUndefined();
      expect(negatives!.mined.map(({ optical }) => optical)).toEqual(anchors.flatMap((anchor) => [anchor, anchor]));
      for (const { sar, optical } of negatives!.mined) {
        expect(anchors).toContain(sar);
        expect(placeOf(sar)).not.toBe(placeOf(optical));
      }
      expect(settings).toEqual({ negatives: { mined: [0.3, 0] } });
      expect(report).toMatchObject({ anchors: 6, available: 6, negatives: 12 });
    },
  );

  it('keeps to its rules', async () => {
    const { report } = await run({ strategy: 'loss', rankMin: 1, maxUses: 1 });
    expect(report).toMatchObject({ variety: { mostUsed: 1 } });
    expect((report!.skipped as { rank: number }).rank).toBeGreaterThanOrEqual(6);
  });

  it('makes patches by the generator, for each anchor that is met', async () => {
    const before = tf.memory().numTensors;
    const arm = { strategy: 'generated', generator: 'noise', rule: 'sample', k: 2, reconstructions: true };
    const { negatives, settings } = await run(arm);
    expect(tf.memory().numTensors).toBe(before);
    const { generated } = negatives!;
    expect(negatives!.mined).toEqual([]);
    expect(generated!.patches).toMatchObject({ side: 64, count: 18 });
    expect(generated!.negatives.map(({ optical }) => optical).toSorted((a, b) => a - b)).toEqual(
      anchors.flatMap((anchor) => [anchor, anchor]),
    );
    expect(generated!.reconstructions.map(({ optical }) => optical)).toEqual(anchors);
    expect(generated!.generator).toBe('b'.repeat(64));
    expect(generated!.normalisation).toEqual({ side: 64, sar: model.normalisation.sar });
    expect(settings).toEqual({ negatives: { generated: 0.2, reconstructions: true } });
  });

  it('is the same for the same seed', async () => {
    expect(await run({ strategy: 'loss' })).toMatchObject({ negatives: (await run({ strategy: 'loss' })).negatives });
  });
});

it('random mines nothing, and changes nothing', async () => {
  expect(await run({ strategy: 'random' })).toEqual({ settings: {}, report: null });
});

describe('adaptive', () => {
  const settingsOf = async (arm: object) => {
    const { settings, negatives, report } = await run({ strategy: 'adaptive', ...arm });
    expect([negatives, report]).toEqual([undefined, null]); // training finds them
    return settings.negatives as Record<string, unknown>;
  };

  it('takes made ones in the share of real ones, or in their own', async () => {
    const arm = { generator: 'noise', nearest: 1 };
    expect(await settingsOf(arm)).toMatchObject({ mined: 0.2, generated: 0.2 });
    expect(await settingsOf({ ...arm, share: 0.3 })).toMatchObject({ mined: 0.3, generated: 0.3 });
    expect(await settingsOf({ ...arm, madeShare: [0.1, 0] })).toMatchObject({ mined: 0.2, generated: [0.1, 0] });
  });

  it('names its generator by file; training reads its settings as they are', async () => {
    const found = await settingsOf({ generator: 'noise', nearest: 1, everyEpochs: 2, reconstructions: true });
    const resolved = resolveConfig([{ negatives: found }], { data: 'data', side: 64, positives: 12 }, 'the test');
    expect(resolved.negatives).toMatchObject({
      reconstructions: true,
      adaptive: { generator: 'runs/noise.safetensors', nearest: 1, everyEpochs: 2, anchors: null },
    });
    expect((await settingsOf({ strengths: [] })).adaptive).toMatchObject({ generator: null, strengths: [] });
  });
});

describe('configurations of older versions', () => {
  const length = { epochs: 1, stepsPerEpoch: 1 };
  const parse = (arms: object) =>
    parseExperiment(
      {
        data: 'data',
        seeds: [1],
        budgets: [1],
        base: length,
        tune: length,
        arms,
        ...{ generators: config.generators },
      },
      'old.yaml',
    );
  const random = { strategy: 'random' };
  const asItWas = { steps: 0, size: 0.25 };

  it('may have steps up the score at their default, in arms and in training', () => {
    const arms = { random, adaptive: { strategy: 'adaptive', strengths: [], ascent: asItWas } };
    expect(parse(arms).arms.adaptive).not.toHaveProperty('ascent');
    const facts = { data: 'data', side: 64, positives: 12 };
    const settings = { negatives: { adaptive: { strengths: [], ascent: asItWas } } };
    const resolved = resolveConfig([settings], facts, 'old.yaml');
    expect(resolved.negatives.adaptive).not.toHaveProperty('ascent');
    const { adaptive } = resolved.negatives;
    const stored = { ...resolved, negatives: { ...resolved.negatives, adaptive: { ...adaptive, ascent: asItWas } } };
    expect(parseConfig(stored, 'run')).toEqual(resolved);
  });

  it('are refused for what is gone, with the way out', () => {
    const ascending = { strategy: 'adaptive', strengths: [], ascent: { steps: 3, size: 0.25 } };
    expect(() => parse({ random, adaptive: ascending })).toThrow(/arms.adaptive.ascent.*removed.*Leave it out/);
    const matched = { strategy: 'generated', generator: 'noise', match: 'histogram' };
    expect(() => parse({ random, generated: matched })).toThrow(/arms.generated.match.*removed: speckle/);
  });

  it.each([
    [
      { strategy: 'loss', share: 0.1, maxScore: 0.9 },
      '{"strategy":"loss","share":0.1,"k":1,"maxCandidates":500,"maxUses":5,"rankMin":0,"maxScore":0.9}',
    ],
    [
      { strategy: 'generated', generator: 'noise' },
      '{"strategy":"generated","generator":"noise","rule":"sigma","strength":1,"k":1,"match":"none","reconstructions":false,"separateStatistics":false}',
    ],
    [
      { strategy: 'adaptive', generator: 'noise', share: 0.1 },
      '{"k":1,"perKind":false,"rule":"sample","strengths":[0.5,1,1.5,2],"real":4,"nearest":0,"maxCandidates":250,"maxUses":5,"minScore":0.05,"relativeMargin":0.05,"minDistance":0.25,"match":"none","ascent":{"steps":0,"size":0.25},"strategy":"adaptive","share":0.1,"generator":"noise","reconstructions":false,"separateStatistics":false,"everyEpochs":1,"anchors":null}',
    ],
    [{ strategy: 'random' }, '{"strategy":"random"}'],
  ])('made cells that still count: an arm has the identity that it had', (arm, identity) => {
    expect(JSON.stringify(identityOf(armSchema.parse(arm)))).toBe(identity);
  });
});

describe('an arm is refused', () => {
  it.each([
    [{ strategy: 'hardest' }, /hardest.* is none of random, loss, nearest, generated, adaptive/],
    [{ strategy: 'random', k: 2 }, /k/],
    [{ strategy: 'loss', generator: 'noise' }, /generator/],
    [{ strategy: 'generated' }, /needed to make patches/],
    [{ strategy: 'adaptive' }, /needed to make patches/],
    [{ strategy: 'loss', k: 0 }, /k|Too small/],
  ])('%o', (arm, message) => {
    expect(() => armSchema.parse(arm)).toThrow(message);
  });
});
