import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { calibrateOn, type EvaluationTask, evaluatePairs } from '../../../packages/core/src/evaluation/evaluate.ts';
import { hardestOf } from '../../../packages/core/src/evaluation/hardest.ts';
import { confusionAt } from '../../../packages/core/src/evaluation/metrics.ts';
import { measurePlaces } from '../../../packages/core/src/evaluation/places.ts';
import { intervalsOf } from '../../../packages/core/src/evaluation/summary.ts';
import { guardWhere } from '../dataset/fake_guard.ts';
import { byPlace, distanceScorer, SHAPE, syntheticPatches, syntheticRecords } from './synthetic.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const records = syntheticRecords(12, 10);
const task = (changes: Partial<EvaluationTask> = {}): EvaluationTask => ({
  records,
  indices: records.map((_, i) => i),
  guard: byPlace(records),
  scorer: distanceScorer(true),
  patches: syntheticPatches(0.7),
  shape: SHAPE,
  split: 'test',
  calibration: { temperature: 1, threshold: 0.5 },
  bootstrap: { resamples: 100 },
  search: { candidates: 30, anchors: 40 },
  ...changes,
});

describe('an evaluation', () => {
  test('measures positives and as many negatives, with intervals and recall@k', async () => {
    const before = tf.memory().numTensors;
    const { pairs, summary, search, shortage } = await evaluatePairs(task());
    expect(tf.memory().numTensors).toBe(before);
    expect(summary).toMatchObject({ pairs: 240, positives: 120, negatives: 120, places: 12 });
    expect([shortage, search]).toEqual([0, { anchors: 40, candidates: 30, leftOut: 0 }]);
    expect(summary.metrics.auc).toBeGreaterThan(0.9);
    expect(summary.metrics.recallAt1).toBeGreaterThan(0.3);
    expect(summary.metrics.recallAt10).toBeGreaterThan(summary.metrics.recallAt1);
    const labels = pairs.map((pair) => pair.label);
    const probabilities = pairs.map((pair) => pair.probability);
    expect(summary.confusion).toEqual(confusionAt(probabilities, labels, 0.5));
    const [low, high] = intervalsOf(summary).auc!;
    expect(low).toBeLessThan(summary.metrics.auc);
    expect(high).toBeGreaterThan(summary.metrics.auc);
  });

  test('is at chance where the patches say nothing', async () => {
    const { summary } = await evaluatePairs(task({ patches: syntheticPatches(50) }));
    expect(Math.abs(summary.metrics.auc - 0.5)).toBeLessThan(0.12);
  });

  test('is the same again, with or without halves, whatever the batch', async () => {
    const scores = async (changes: Partial<EvaluationTask>) => (await evaluatePairs(task(changes))).summary.metrics;
    const first = await scores({});
    expect(await scores({})).toEqual(first);
    expect(await scores({ scorer: distanceScorer(false), batch: 7 })).toEqual(first);
    expect(await scores({ seed: 9 })).not.toEqual(first);
  });

  test('keeps neighbours of the anchor out of negatives and marks where pairs come from', async () => {
    const { pairs } = await evaluatePairs(task({ negativesPerPositive: 2 }));
    const negatives = pairs.filter((pair) => pair.label === 0);
    expect(negatives).toHaveLength(240);
    for (const { sarIndex, opticalIndex, group, provenance, id } of negatives) {
      expect(records[sarIndex]!.group).not.toBe(records[opticalIndex]!.group);
      expect(group).toBe(records[opticalIndex]!.group);
      expect(provenance).toBe('shuffled');
      expect(id).toBe(`${records[sarIndex]!.id} × ${records[opticalIndex]!.id}`);
    }
  });

  test('of one class is refused', async () => {
    await expect(evaluatePairs(task({ negativesPerPositive: 0 }))).rejects.toThrow(SplitError);
    await expect(evaluatePairs(task({ guard: guardWhere(() => true) }))).rejects.toThrow(SplitError);
  });

  test('reports its progress over pairs and searches', async () => {
    const seen: [number, number][] = [];
    await evaluatePairs(task({ batch: 100, onProgress: (done, total) => seen.push([done, total]) }));
    const total = 240 + 40 * 30;
    expect(seen.at(-1)).toEqual([total, total]);
    expect(seen).toHaveLength(Math.ceil(total / 100));
  });
});

test('calibration is fitted on its own pairs', async () => {
  const { temperature, threshold } = await calibrateOn(task());
  expect(temperature).toBeGreaterThan(0);
  const { summary } = await evaluatePairs(task({ calibration: { temperature, threshold } }));
  const plain = await evaluatePairs(task({ calibration: { temperature: 20, threshold: 0.9 } }));
  expect(summary.metrics.logLoss).toBeLessThan(plain.summary.metrics.logLoss);
  expect(summary.metrics.accuracy).toBeGreaterThan(plain.summary.metrics.accuracy);
});

test('the hardest mistakes are the surest wrong calls', async () => {
  const { pairs } = await evaluatePairs(task());
  const [strict, lax] = [0.9, 0.1].map((threshold) => hardestOf(pairs, threshold, 5));
  expect(strict!.falseNegatives).toHaveLength(5);
  expect(lax!.falsePositives).toHaveLength(5);
  const missed = pairs.filter((pair) => pair.label === 1).sort((a, b) => a.score - b.score);
  const alarms = pairs.filter((pair) => pair.label === 0).sort((a, b) => b.score - a.score);
  expect(strict!.falseNegatives).toEqual(missed.slice(0, 5));
  expect(lax!.falsePositives).toEqual(alarms.slice(0, 5));
  expect(hardestOf(pairs, 0, 5).falseNegatives).toEqual([]);
});

test('places together have the pairs of all, the worst first', async () => {
  const { pairs, summary } = await evaluatePairs(task({ patches: syntheticPatches(1.5) }));
  const places = measurePlaces(pairs, 0.5);
  expect(places).toHaveLength(12);
  expect(places.reduce((sum, place) => sum + place.pairs, 0)).toBe(240);
  const right = places.reduce((sum, place) => sum + place.accuracy * place.pairs, 0);
  expect(right / 240).toBeCloseTo(summary.metrics.accuracy, 12);
  for (let i = 1; i < places.length; i++) expect(places[i]!.accuracy).toBeGreaterThanOrEqual(places[i - 1]!.accuracy);
});
