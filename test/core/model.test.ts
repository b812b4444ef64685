/** Scoring with a checkpoint: calibrated, in order, bad pairs by themselves. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PatchError } from '../../packages/core/src/errors.ts';
import { type Checkpoint, writeCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { scorePairs } from '../../packages/core/src/matcher/score_pairs.ts';
import { type Model, openModel, type PairScore, type RasterPair } from '../../packages/core/src/model.ts';
import type { Raster } from '../../packages/core/src/raster/raster.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { selectProcessorBackend } from '../backends.ts';
import { denseCheckpoint } from '../server/tiny_model.mjs';
import { patch, syntheticDataset, syntheticNormalisation } from './training/matcher/synthetic.ts';

let checkpoint: Omit<Checkpoint, 'version'>;
let model: Model;

beforeAll(async () => {
  const { name: backend } = await selectProcessorBackend();
  const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, seed: 5 });
  checkpoint = {
    matcher: matcher.config,
    tensors: await valuesOf(new Map<string, tf.Tensor>([...matcher.parameters, ...matcher.statistics])),
    normalisation: await syntheticNormalisation(),
    calibration: { temperature: 2, threshold: 0.4 },
    metrics: { validationAuc: 0.75 },
    trainedOn: { folder: 'data', dataFingerprint: 'abc' },
    inputs: { from: null, negatives: null },
    backend,
    training: {},
  };
  matcher.dispose();
  model = await openModel(writeCheckpoint(checkpoint), 'best.safetensors');
});

afterAll(() => model.dispose());

const pair = (index: number): RasterPair => ({ sar: patch(64, index, 'sar'), optical: patch(64, index, 'optical') });
const broken = (index: number): RasterPair => ({ ...pair(index), sar: patch(72, index, 'sar') });

it('says what the model is', () => {
  expect(model.info).toMatchObject({
    ...{ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, isCalibrated: true },
    ...{ calibration: { temperature: 2, threshold: 0.4 }, metrics: { validationAuc: 0.75 } },
  });
  expect(model.info.fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

it('gives calibrated scores in order, the same in a batch as alone', async () => {
  const pairs = Array.from({ length: 35 }, (_, i) => pair(i)); // more than a batch
  const before = tf.memory().numTensors;
  const scores = await model.score(pairs);
  expect(tf.memory().numTensors).toBe(before);
  expect(scores).toHaveLength(35);
  for (const { score, probability, match, threshold } of scores) {
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score / 2)), 12);
    expect(threshold).toBe(0.4);
    expect(match).toBe(probability >= 0.4);
  }
  const [alone] = (await model.score([pair(34)])) as [PairScore];
  expect(alone.score).toBeCloseTo(scores[34]!.score, 4);
  expect(await model.score([])).toEqual([]);
});

it('names the pair that cannot be scored, and scores the others', async () => {
  const results = await model.scoreEach([pair(0), broken(1), pair(2)]);
  expect(results[1]).toBeInstanceOf(PatchError);
  const [first, third] = await model.score([pair(0), pair(2)]);
  expect((results[0] as PairScore).score).toBeCloseTo(first!.score, 5);
  expect((results[2] as PairScore).score).toBeCloseTo(third!.score, 5);
  const names = { sar: 'a.tif', optical: 'b.png' };
  await expect(model.score([pair(0), { ...broken(1), names }])).rejects.toMatchObject({
    tag: 'patch',
    message: expect.stringMatching(/a\.tif/),
  });
});

it('refuses a patch without a number in it', async () => {
  const empty: Raster = { ...patch(64, 0, 'optical'), data: new Float32Array(64 * 64).fill(Number.NaN) };
  await expect(model.score([{ ...pair(0), optical: empty }])).rejects.toMatchObject({ tag: 'patch' });
});

it('says so where a checkpoint has no calibration', async () => {
  const { calibration: _, ...plain } = checkpoint;
  const rough = await openModel(writeCheckpoint(plain), 'last.safetensors');
  expect(rough.info).toMatchObject({ isCalibrated: false, calibration: { temperature: 1, threshold: 0.5 } });
  rough.dispose();
});

it('is opened from a store, too', async () => {
  const store = new MemoryStore();
  await store.write('run/best.safetensors', writeCheckpoint(checkpoint));
  const same = await openModel(store, 'run/best.safetensors');
  expect(same.info).toEqual(model.info);
  expect(await same.score([pair(3)])).toEqual(await model.score([pair(3)]));
  same.dispose();
  await expect(openModel(store, 'run/none.safetensors')).rejects.toMatchObject({ tag: 'file' });
});

it('prepares the patches of a data set as it prepares those that it scores', async () => {
  const dataset = syntheticDataset();
  const patches = model.patchesOf(dataset);
  const references = [{ sar: 1, optical: 2 }];
  const [score] = await scorePairs(references, { scorer: model.scorer, patches, shape: model.info, batch: 1 });
  const [alone] = await model.score([{ sar: await dataset.readSar(1), optical: await dataset.readOptical(2) }]);
  expect(score).toBeCloseTo(alone!.score, 5);
});

describe('a model of any side', () => {
  const pairOf = (side: number, opticalSide = side): RasterPair => ({
    sar: patch(side, 1, 'sar'),
    optical: patch(opticalSide, 1, 'optical'),
  });
  let dense: Model;
  beforeAll(async () => {
    dense = await openModel(denseCheckpoint(), 'dense.safetensors');
  });
  afterAll(() => dense.dispose());

  it('says so, and scores pairs of several sides in one call as alone', async () => {
    expect(dense.info).toMatchObject({ side: 64, sides: { min: 32, multipleOf: 8 } });
    expect(model.info.sides).toBeUndefined();
    const pairs = [64, 32, 104, 32, 64].map((side) => pairOf(side));
    const before = tf.memory().numTensors;
    const together = await dense.score(pairs);
    expect(tf.memory().numTensors).toBe(before);
    for (const [i, pair] of pairs.entries()) {
      const [alone] = await dense.score([pair]);
      expect(alone!.score).toBeCloseTo(together[i]!.score, 4);
    }
    expect(together[1]!.score).not.toBeCloseTo(together[0]!.score, 4);
  });

  it.each([
    [64, 72],
    [24, 24],
    [100, 100],
  ])('refuses sides %i and %i, in words', async (sar, optical) => {
    await expect(dense.score([{ ...pairOf(sar, optical), names: { sar: 'a.tif', optical: 'b.tif' } }])).rejects.toThrow(
      new RegExp(
        `a\\.tif.*b\\.tif.*same side, any multiple of 8 from 32 on.*${sar} × ${sar} and ${optical} × ${optical}`,
      ),
    );
  });

  it('prepares the patches of a data set of another side', async () => {
    const dataset = syntheticDataset({ side: 40 });
    const small = dense.atSide(40);
    const options = { scorer: small.scorer, patches: small.patchesOf(dataset), shape: small.info, batch: 1 };
    const [score] = await scorePairs([{ sar: 1, optical: 2 }], options);
    const [alone] = await dense.score([{ sar: await dataset.readSar(1), optical: await dataset.readOptical(2) }]);
    expect(score).toBeCloseTo(alone!.score, 5);
    expect(() => dense.atSide(44)).toThrow(/any multiple of 8 from 32 on, found patches of side 44/);
    expect(() => model.atSide(72)).toThrow(/of side 64, found patches of side 72/);
  });
});

it('names a file that is damaged', async () => {
  const bytes = writeCheckpoint(checkpoint).slice(0, 5000);
  await expect(openModel(bytes, 'cut.safetensors')).rejects.toMatchObject({
    tag: 'checkpoint',
    message: expect.stringMatching(/cut\.safetensors/),
  });
});
