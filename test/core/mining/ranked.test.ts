import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { NonFiniteError, SplitError, StaleCacheError, UsageError } from '../../../packages/core/src/errors.ts';
import { readNegatives, writeNegatives } from '../../../packages/core/src/mining/negatives_file.ts';
import { MINING_DEFAULTS, type MiningTask, mine } from '../../../packages/core/src/mining/ranked.ts';
import { RULES } from '../../../packages/core/src/mining/select.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { fakeDataset, fakeGuard, fakeModel, fakePatches } from './fake_model.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const { k, rankMin, rankMax, sampling, seed } = MINING_DEFAULTS;

function taskOf(change: Partial<MiningTask> = {}, count = 40) {
  const model = fakeModel('halves');
  const task: MiningTask = {
    store: new MemoryStore(),
    dataset: fakeDataset(count),
    split: 'train',
    model,
    patches: fakePatches,
    guard: fakeGuard(2),
    guardMargin: 1,
    strategy: 'loss',
    rules: { k, rankMin, rankMax, sampling },
    seed,
    ...change,
  };
  return { task, model };
}
const rulesOf = (change: Partial<MiningTask['rules']>) => ({ k, rankMin, rankMax, sampling, ...change });
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('mining by loss', () => {
  test('takes the candidates that score highest, outside of the guard', async () => {
    const { task } = taskOf({ rules: rulesOf({ k: 2 }) });
    const { negatives, report } = await mine(task);
    expect(negatives).toHaveLength(80);
    const own = negatives.filter(({ optical }) => optical === 20);
    expect(own.map(({ sar, rank }) => [sar, rank])).toEqual([
      [17, 0],
      [23, 1],
    ]);
    // Three apart scores 3 − 3 = 0; the true pair 3. Calibrated by a temperature of 2.
    expect(own[0]).toMatchObject({ label: 0, provenance: 'mined', reason: 'loss: rank 0 of 35' });
    expect(own[0]!.score).toBeCloseTo(0.5, 6);
    expect(own[0]!.probability).toBe(own[0]!.score);
    expect(own[0]!.positiveScore).toBeCloseTo(sigmoid(1.5), 6);
    expect(report).toMatchObject({ negatives: 80, anchors: 40, candidates: 1600, available: 40, shortages: 0 });
  });

  test('passes each patch through its stream once, however many pairs it is in', async () => {
    const { task, model } = taskOf();
    const before = tf.memory().numTensors;
    const { report } = await mine(task);
    expect(model.passes).toEqual({ sar: 40, optical: 40, pairs: 0 });
    expect(report.cost).toMatchObject({ pairsScored: 1640, pairsCached: 0 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('accounts for every candidate, and says what came short and why', async () => {
    const { task } = taskOf({ rules: rulesOf({ k: 3, maxScore: 0.1, rankMax: 5 }) });
    const { report, negatives, shortages } = await mine({ ...task, rules: { ...task.rules, maxScore: 0.3 } });
    const skipped = RULES.reduce((sum, rule) => sum + report.skipped[rule], 0);
    expect(skipped + report.surplus + report.negatives).toBe(report.candidates);
    expect(report.skipped.guard).toBe(40 * 5 - 2 * (2 + 1));
    expect(report.shortages).toBe(shortages.length);
    expect(report.shortageReasons).toEqual({ maxScore: shortages.length });
    expect(negatives).toHaveLength(120 - shortages.reduce((sum, { got }) => sum + 3 - got, 0));
  });

  test('reports quantiles of candidates, positives and negatives', async () => {
    const { report } = await mine(taskOf({ rules: rulesOf({ relativeMargin: 0.5 }) }).task);
    const { candidates, positives, negatives, probabilities } = report.quantiles;
    expect(candidates!.count).toBe(1600 - report.skipped.guard);
    expect(positives).toMatchObject({ count: 40 });
    expect(positives!.median).toBeCloseTo(sigmoid(1.5), 3);
    expect(negatives!.max).toBeLessThanOrEqual(sigmoid(1.5) * 0.5);
    expect(probabilities).toEqual(negatives);
  });

  test('works without streams, at the cost of whole passes, and says so beforehand', async () => {
    const { task, model } = taskOf({ model: fakeModel('whole') }, 60);
    const estimates: { pairs: number; seconds: number }[] = [];
    const whole = await mine({ ...task, onEstimate: (estimate) => estimates.push(estimate) });
    const halves = await mine(taskOf({}, 60).task);
    expect(model.passes.pairs).toBe(0);
    expect(whole.negatives).toEqual(halves.negatives);
    expect(estimates).toHaveLength(1);
    expect(estimates[0]).toMatchObject({ pairs: 3600, seconds: expect.any(Number) });
  });
});

describe('mining by nearness', () => {
  test('takes the SAR patches most like the anchor’s own, by cosine', async () => {
    const { task } = taskOf({ strategy: 'nearest', rules: rulesOf({ maxScore: Math.cos(0.045) }) });
    const { negatives, header } = await mine(task);
    const own = negatives.find(({ optical }) => optical === 20)!;
    expect(own).toMatchObject({ sar: 15, rank: 4, positiveScore: 1, reason: 'nearest: rank 4 of 35' });
    expect(own.score).toBeCloseTo(Math.cos(0.05), 6);
    expect(own.probability).toBeCloseTo(sigmoid((3 - 5) / 2), 6);
    expect(header).toMatchObject({ scale: 'cosine', strategy: 'nearest', rules: { maxScore: Math.cos(0.045) } });
  });

  test('needs a model with streams', async () => {
    const { task } = taskOf({ strategy: 'nearest', model: fakeModel('whole') });
    await expect(mine(task)).rejects.toThrow(UsageError);
    await expect(mine(task)).rejects.toThrow(/two-channel.*--strategy loss/);
  });
});

describe('mining at random', () => {
  test('scores the chosen pairs only, and takes all of them alike', async () => {
    const uses = new Map<number, number>();
    for (let seed = 0; seed < 20; seed++) {
      const { task, model } = taskOf({ strategy: 'random', seed, rules: rulesOf({ k: 2 }) });
      const { negatives, report } = await mine(task);
      expect(negatives).toHaveLength(80);
      expect(negatives.every(({ sar, optical }) => Math.abs(sar - optical) > 2)).toBe(true);
      expect(report.cost.pairsScored).toBe(120);
      expect(report.quantiles.candidates).toBeUndefined();
      expect(model.passes.sar).toBe(40);
      for (const { sar } of negatives) uses.set(sar, (uses.get(sar) ?? 0) + 1);
    }
    expect(uses.size).toBe(40);
    expect(Math.min(...uses.values())).toBeGreaterThan(15); // 40 each, σ = 6
    expect(Math.max(...uses.values())).toBeLessThan(70);
  });

  test('keeps to rules of scores when they are given', async () => {
    const { task } = taskOf({ strategy: 'random', rules: rulesOf({ minScore: 0.01, maxScore: 0.2 }) });
    const { negatives } = await mine(task);
    expect(negatives.length).toBeGreaterThan(30);
    expect(negatives.every(({ score }) => score >= 0.01 && score <= 0.2)).toBe(true);
    expect(new Set(negatives.map(({ rank }) => rank)).size).toBeGreaterThan(5);
  });
});

describe('variety', () => {
  /** A matcher that takes record 7, and after it record 9, for a match with anything. */
  function withHubs(change: Partial<MiningTask> = {}) {
    const { task, model } = taskOf(change);
    model.scorer.halves!.join = (sar) => {
      const patches = tf.reshape(sar, [sar.shape[0]]);
      const is = (record: number) => tf.cast(tf.equal(patches, record), 'float32');
      return tf.sub(tf.add(tf.mul(is(7), 4), tf.mul(is(9), 3)), tf.mul(patches, 0.01));
    };
    return task;
  }

  test('no SAR patch is the negative of more anchors than it may be, however hard it is', async () => {
    const { negatives, report, header } = await mine(withHubs());
    const uses = (record: number) => negatives.filter(({ sar }) => sar === record).length;
    expect(negatives).toHaveLength(40);
    expect([uses(7), uses(9), uses(0)]).toEqual([5, 5, 5]);
    expect(report.variety.mostUsed).toBe(5);
    expect(report.skipped.maxUses).toBeGreaterThan(50);
    expect(header.maxUses).toBe(5);
    // Not the first anchors, but any: places come in no order.
    expect(Math.max(...negatives.filter(({ sar }) => sar === 7).map(({ optical }) => optical))).toBeGreaterThan(15);
    expect(negatives.map(({ optical }) => optical)).toEqual(fakeDataset(40).records.map((_, i) => i));
  });

  test('the limit can be set, and makes the shortages that it makes', async () => {
    expect((await mine(withHubs({ maxUses: 100 }))).report.variety).toEqual({ images: 3, mostUsed: 35 });
    const { report } = await mine(withHubs({ maxUses: 1, rules: rulesOf({ k: 1, rankMax: 10 }) }));
    expect(report.shortageReasons).toEqual({ maxUses: report.shortages });
    expect(report.negatives + report.shortages).toBe(40);
  });
});

describe('the cache', () => {
  test('serves other rules and other numbers of negatives without scoring again', async () => {
    const { task, model } = taskOf({ cache: 'scores' });
    const first = await mine(task);
    expect(first.report.cache).toBe('scores');
    const passes = { ...model.passes };
    const again = await mine(task);
    expect(again.negatives).toEqual(first.negatives);
    expect(again.report.cost).toMatchObject({ pairsScored: 0, pairsCached: 1640 });
    const others = await mine({ ...task, rules: rulesOf({ k: 3, relativeMargin: 0.2, sampling: 'random' }) });
    expect(others.negatives).toHaveLength(120);
    expect(model.passes).toEqual(passes);
  });

  test('of another model, strategy or pool is refused', async () => {
    const { task } = taskOf({ cache: 'scores', maxCandidates: 20 });
    await mine(task);
    const run = (change: Partial<MiningTask>) => mine({ ...task, ...change });
    await expect(run({ model: { ...task.model, fingerprint: 'e'.repeat(64) } })).rejects.toThrow(StaleCacheError);
    await expect(run({ strategy: 'nearest' })).rejects.toThrow(/kind of score/);
    await expect(run({ seed: 2 })).rejects.toThrow(/seed/);
    await expect(run({ maxCandidates: 21 })).rejects.toThrow(/number of candidates/);
    await expect(run({ seed: 2, refreshCache: true })).resolves.toBeDefined();
  });

  test('does not mind the seed where a pool is the whole split', async () => {
    const { task } = taskOf({ cache: 'scores' });
    await mine(task);
    await expect(mine({ ...task, seed: 2 })).resolves.toMatchObject({ report: { cost: { pairsScored: 0 } } });
  });

  test('keeps finished blocks of an interrupted mining, which goes on where it stopped', async () => {
    const controller = new AbortController();
    const { task } = taskOf({ cache: 'scores', model: fakeModel('whole') }, 200); // blocks of 81 anchors, 100 candidates
    const onProgress = (pairs: number) => pairs > 12_000 && controller.abort();
    await expect(mine({ ...task, onProgress, signal: controller.signal })).rejects.toThrow(/abort/);
    expect(await task.store.list('scores')).toEqual(['block-00000.safetensors', 'manifest.json']);
    const resumed = await mine(task);
    expect(resumed.report.cost).toMatchObject({ pairsCached: 8181, pairsScored: 20_200 - 8181 });
    const { task: fresh } = taskOf({ model: fakeModel('whole') }, 200);
    expect(resumed.negatives).toEqual((await mine(fresh)).negatives);
  });
});

describe('mining refuses', () => {
  test('rules that cannot be meant, before it scores', async () => {
    const { task, model } = taskOf({ rules: rulesOf({ maxScore: 3 }) });
    await expect(mine(task)).rejects.toThrow(UsageError);
    expect(model.passes.sar).toBe(0);
  });

  test('a split where the guard leaves nothing', async () => {
    const { task } = taskOf({ guard: fakeGuard(50) });
    await expect(mine(task)).rejects.toThrow(SplitError);
    await expect(mine(task)).rejects.toThrow(/1600 by guard.*neighbours.*--guard-margin/);
  });

  test('rules that leave nothing', async () => {
    const { task } = taskOf({ rules: rulesOf({ minScore: 0.9, maxScore: 0.95 }) });
    await expect(mine(task)).rejects.toThrow(/by minScore.*Loosen the rules/);
  });

  test('a model that gives no numbers, and does not keep them', async () => {
    const { task, model } = taskOf({ cache: 'scores' });
    model.scorer.halves!.join = (sar) => tf.fill([sar.shape[0]], Number.NaN);
    await expect(mine(task)).rejects.toThrow(NonFiniteError);
    expect(await task.store.list('scores')).toEqual(['manifest.json']);
  });
});

test('what was mined can be written and read back', async () => {
  const { task } = taskOf();
  const { header, negatives } = await mine(task);
  await task.store.write('negatives.jsonl', writeNegatives(header, negatives, task.dataset.records));
  expect(await readNegatives(task.store, 'negatives.jsonl', task.dataset)).toEqual(negatives);
});
