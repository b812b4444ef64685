import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { NonFiniteError, SplitError, StaleCacheError, UsageError } from '../../../packages/core/src/errors.ts';
import { readNegatives, writeNegatives } from '../../../packages/core/src/mining/negatives_file.ts';
import type { RankedNegatives, RankedSettings } from '../../../packages/core/src/mining/ranked.ts';
import { RULES } from '../../../packages/core/src/mining/select.ts';
import { loss } from '../../../packages/core/src/mining/strategies/loss.ts';
import { nearest } from '../../../packages/core/src/mining/strategies/nearest.ts';
import { random } from '../../../packages/core/src/mining/strategies/random.ts';
import type { Bench, Watch } from '../../../packages/core/src/mining/strategy.ts';
import { fakeBench, fakeDataset, fakeGuard, fakeModel } from './fake_model.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const STRATEGIES = { loss, nearest, random };

interface Mining {
  strategy?: keyof typeof STRATEGIES;
  bench?: Bench;
  settings?: Partial<RankedSettings>;
  watch?: Watch;
}

/** Settings are read as a command or a configuration would. */
async function mine({ strategy = 'loss', bench = fakeBench(), settings = {}, watch = {} }: Mining = {}) {
  const { settings: schema, find } = STRATEGIES[strategy];
  return (await find(bench, schema.parse(settings) as RankedSettings, watch)) as RankedNegatives;
}
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const SCORES = { folder: 'scores', refresh: false };

/** A bench whose matcher counts its passes. */
function counting(kind: 'halves' | 'whole' = 'halves', change: Partial<Bench> = {}, count = 40) {
  const model = fakeModel(kind);
  return { bench: fakeBench({ model, ...change }, count), model };
}

describe('mining by loss', () => {
  test('takes the candidates that score highest, outside of the guard', async () => {
    const { negatives, report } = await mine({ settings: { k: 2 } });
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
    const { bench, model } = counting();
    const before = tf.memory().numTensors;
    const { report } = await mine({ bench });
    expect(model.passes).toEqual({ sar: 40, optical: 40, pairs: 0 });
    expect(report.cost).toMatchObject({ pairsScored: 1640, pairsCached: 0 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('accounts for every candidate, and says what came short and why', async () => {
    const { report, negatives, shortages = [] } = await mine({ settings: { k: 3, maxScore: 0.3, rankMax: 5 } });
    const skipped = RULES.reduce((sum, rule) => sum + report.skipped[rule], 0);
    expect(skipped + report.surplus + report.negatives).toBe(report.candidates);
    expect(report.skipped.guard).toBe(40 * 5 - 2 * (2 + 1));
    expect(report.shortages).toBe(shortages.length);
    expect(report.shortageReasons).toEqual({ maxScore: shortages.length });
    expect(negatives).toHaveLength(120 - shortages.reduce((sum, { got }) => sum + 3 - got, 0));
  });

  test('reports quantiles of candidates, positives and negatives', async () => {
    const { report } = await mine({ settings: { relativeMargin: 0.5 } });
    const { candidates, positives, negatives, probabilities } = report.quantiles;
    expect(candidates!.count).toBe(1600 - report.skipped.guard);
    expect(positives).toMatchObject({ count: 40 });
    expect(positives!.median).toBeCloseTo(sigmoid(1.5), 3);
    expect(negatives!.max).toBeLessThanOrEqual(sigmoid(1.5) * 0.5);
    expect(probabilities).toEqual(negatives);
  });

  test('works without streams, at the cost of whole passes, and says so beforehand', async () => {
    const { bench, model } = counting('whole', {}, 60);
    const lines: string[] = [];
    const whole = await mine({ bench, watch: { onLog: (line) => lines.push(line) } });
    const halves = await mine({ bench: fakeBench({}, 60) });
    expect(model.passes).toMatchObject({ sar: 0, optical: 0, pairs: 2 * 32 + 60 * 61 });
    expect(whole.negatives).toEqual(halves.negatives);
    expect(lines).toEqual([expect.stringMatching(/each of 3600 pairs goes through all of it: about a minute/)]);
  });
});

describe('mining by nearness', () => {
  test('takes the SAR patches most like the anchor’s own, by cosine', async () => {
    const settings = { maxScore: Math.cos(0.045) };
    const { negatives, header } = await mine({ strategy: 'nearest', settings });
    const own = negatives.find(({ optical }) => optical === 20)!;
    expect(own).toMatchObject({ sar: 15, rank: 4, positiveScore: 1, reason: 'nearest: rank 4 of 35' });
    expect(own.score).toBeCloseTo(Math.cos(0.05), 6);
    expect(own.probability).toBeCloseTo(sigmoid((3 - 5) / 2), 6);
    expect(header).toMatchObject({ scale: 'cosine', strategy: 'nearest', rules: { maxScore: Math.cos(0.045) } });
  });

  test('needs a model with streams', async () => {
    const { bench } = counting('whole');
    await expect(mine({ strategy: 'nearest', bench })).rejects.toThrow(UsageError);
    await expect(mine({ strategy: 'nearest', bench })).rejects.toThrow(
      /both patches at once.*the strategy loss.*paper-bn/,
    );
    expect(nearest.needsStreams()).toBe(true);
  });
});

describe('mining at random', () => {
  test('scores the chosen pairs only, and takes all of them alike', async () => {
    const uses = new Map<number, number>();
    for (let seed = 0; seed < 20; seed++) {
      const { bench, model } = counting('halves', { seed });
      const { negatives, report } = await mine({ strategy: 'random', bench, settings: { k: 2 } });
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
    const { negatives } = await mine({ strategy: 'random', settings: { minScore: 0.01, maxScore: 0.2 } });
    expect(negatives.length).toBeGreaterThan(30);
    expect(negatives.every(({ score }) => score >= 0.01 && score <= 0.2)).toBe(true);
    expect(new Set(negatives.map(({ rank }) => rank)).size).toBeGreaterThan(5);
  });
});

describe('variety', () => {
  /** A matcher that takes record 7, and after it record 9, for a match with anything. */
  function withHubs() {
    const { bench, model } = counting();
    model.scorer.halves!.join = (sar) => {
      const patches = tf.reshape(sar, [sar.shape[0]]);
      const is = (record: number) => tf.cast(tf.equal(patches, record), 'float32');
      return tf.sub(tf.add(tf.mul(is(7), 4), tf.mul(is(9), 3)), tf.mul(patches, 0.01));
    };
    return bench;
  }

  test('no SAR patch is the negative of more anchors than it may be, however hard it is', async () => {
    const { negatives, report, header } = await mine({ bench: withHubs() });
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
    const bench = withHubs();
    expect((await mine({ bench, settings: { maxUses: 100 } })).report.variety).toEqual({ images: 3, mostUsed: 35 });
    const { report } = await mine({ bench, settings: { maxUses: 1, rankMax: 10 } });
    expect(report.shortageReasons).toEqual({ maxUses: report.shortages });
    expect(report.negatives + report.shortages).toBe(40);
  });
});

describe('the cache', () => {
  test('serves other rules and other numbers of negatives without scoring again', async () => {
    const { bench, model } = counting('halves', { scores: SCORES });
    const first = await mine({ bench });
    expect(first.report.cache).toBe('scores');
    const passes = { ...model.passes };
    const again = await mine({ bench });
    expect(again.negatives).toEqual(first.negatives);
    expect(again.report.cost).toMatchObject({ pairsScored: 0, pairsCached: 1640 });
    const others = await mine({ bench, settings: { k: 3, relativeMargin: 0.2, sampling: 'random' } });
    expect(others.negatives).toHaveLength(120);
    expect(model.passes).toEqual(passes);
  });

  test('of another model, strategy or pool is refused', async () => {
    const bench = fakeBench({ scores: SCORES });
    const settings = { maxCandidates: 20 };
    await mine({ bench, settings });
    const run = (change: Partial<Bench>, more: Mining = {}) =>
      mine({ bench: { ...bench, ...change }, settings, ...more });
    await expect(
      run({ model: { ...bench.model, info: { ...bench.model.info, fingerprint: 'e'.repeat(64) } } }),
    ).rejects.toThrow(StaleCacheError);
    await expect(run({}, { strategy: 'nearest' })).rejects.toThrow(/kind of score/);
    await expect(run({ seed: 2 })).rejects.toThrow(/seed/);
    await expect(run({}, { settings: { maxCandidates: 21 } })).rejects.toThrow(/number of candidates/);
    await expect(run({ seed: 2, scores: { ...SCORES, refresh: true } })).resolves.toBeDefined();
  });

  test('does not mind the seed where a pool is the whole split', async () => {
    const bench = fakeBench({ scores: SCORES });
    await mine({ bench });
    await expect(mine({ bench: { ...bench, seed: 2 } })).resolves.toMatchObject({
      report: { cost: { pairsScored: 0 } },
    });
  });

  test('keeps finished blocks of an interrupted mining, which goes on where it stopped', async () => {
    const controller = new AbortController();
    const { bench } = counting('whole', { scores: SCORES }, 200); // blocks of 81 anchors, 100 candidates
    const onProgress = (pairs: number) => pairs > 12_000 && controller.abort();
    const watch = { onProgress, signal: controller.signal };
    await expect(mine({ bench, watch })).rejects.toThrow(/abort/);
    expect(await bench.store.list('scores')).toEqual(['block-00000.safetensors', 'manifest.json']);
    const resumed = await mine({ bench });
    expect(resumed.report.cost).toMatchObject({ pairsCached: 8181, pairsScored: 20_200 - 8181 });
    expect(resumed.negatives).toEqual((await mine({ bench: counting('whole', {}, 200).bench })).negatives);
  });
});

describe('scores in parts', () => {
  const wholes = (folder: string, others: string[] = []) =>
    counting('whole', { scores: { folder, others, refresh: false } }, 100);

  test('are those that mining reads, in whichever order and folder they were computed', async () => {
    const at = wholes('a');
    const elsewhere = { ...at.bench, scores: { folder: 'b', refresh: false } };
    const { parts, begin } = loss.scoring(at.bench, loss.settings.parse({}))!;
    expect(parts).toBe(2); // 81 anchors with 100 candidates, then 19
    expect(await begin({})(1)).toBe(19 * 101);
    expect(await begin({})(1)).toBe(0);
    expect(await loss.scoring(elsewhere, loss.settings.parse({}))!.begin({})(0)).toBe(81 * 101);
    const before = at.model.passes.pairs;
    const found = await mine({ bench: { ...at.bench, scores: { folder: 'a', others: ['b'], refresh: false } } });
    expect(at.model.passes.pairs).toBe(before);
    expect(found.report.cost).toMatchObject({ pairsScored: 0, pairsCached: 100 * 101 });
    expect(found.negatives).toEqual((await mine({ bench: wholes('alone').bench })).negatives);
  });

  test('are of one model in all folders', async () => {
    const { bench } = wholes('a');
    await loss.scoring(bench, loss.settings.parse({}))!.begin({})(0);
    const model = { ...bench.model, info: { ...bench.model.info, fingerprint: '0'.repeat(64) } };
    const other = { ...bench, model, scores: { folder: 'b', others: ['a'], refresh: false } };
    await expect(mine({ bench: other })).rejects.toThrow(StaleCacheError);
  });

  test('are none where no rule needs scores', () => {
    expect(random.scoring(fakeBench(), random.settings.parse({}))).toBeUndefined();
    expect(random.scoring(fakeBench(), random.settings.parse({ maxScore: 0.5 }))!.parts).toBe(1);
  });
});

describe('mining refuses', () => {
  test('a split where the guard leaves nothing', async () => {
    const bench = fakeBench({ guard: fakeGuard(50) });
    await expect(mine({ bench })).rejects.toThrow(SplitError);
    await expect(mine({ bench })).rejects.toThrow(/1600 by guard.*neighbours.*--guard-margin \(now 1\)/);
  });

  test('rules that leave nothing', async () => {
    await expect(mine({ settings: { minScore: 0.9, maxScore: 0.95 } })).rejects.toThrow(
      /by minScore.*Loosen the rules/,
    );
  });

  test('a model that gives no numbers, and does not keep them', async () => {
    const { bench, model } = counting('halves', { scores: SCORES });
    model.scorer.halves!.join = (sar) => tf.fill([sar.shape[0]], Number.NaN);
    await expect(mine({ bench })).rejects.toThrow(NonFiniteError);
    expect(await bench.store.list('scores')).toEqual(['manifest.json']);
  });
});

describe('settings', () => {
  test('have the defaults of the flags', () => {
    expect(loss.settings.parse({})).toEqual({ k: 1, rankMin: 0, sampling: 'top' });
    expect(random.settings.parse({})).toEqual({ k: 1, sampling: 'top' });
  });

  test('that can be meant are let through', () => {
    const many = { rankMin: 10, rankMax: 12, minScore: 0, maxScore: 1, relativeMargin: 0.05, k: 2 };
    expect(loss.settings.parse(many)).toMatchObject(many);
    expect(nearest.settings.safeParse({ minScore: -0.5, maxScore: 0.95 }).success).toBe(true);
  });

  test.each([
    [loss, { maxScore: 1.5 }, 'maxScore'],
    [loss, { minScore: -0.5 }, 'minScore'],
    [nearest, { minScore: -1.5 }, 'minScore'],
    [loss, { minScore: 0.6, maxScore: 0.5 }, 'minScore'],
    [loss, { k: 2, rankMin: 5, rankMax: 6 }, 'rankMax'],
    [loss, { relativeMargin: 2 }, 'relativeMargin'],
    [loss, { absoluteMargin: -0.1 }, 'absoluteMargin'],
    [loss, { k: 0 }, 'k'],
  ])('that cannot be meant are refused: $1', ({ settings }, given, path) => {
    const { error } = settings.safeParse(given);
    expect(error?.issues.map((issue) => issue.path)).toEqual([[path]]);
  });

  test('of random have no ranks', () => {
    expect(random.settings.safeParse({ rankMax: 50 }).error?.issues[0]).toMatchObject({ code: 'unrecognized_keys' });
  });
});

test('what was mined can be written and read back', async () => {
  const bench = fakeBench();
  const found = await mine({ bench });
  for (const [name, content] of await writeNegatives(found, bench.dataset.records, 'negatives.jsonl')) {
    await bench.store.write(name, content);
  }
  expect(await readNegatives(bench.store, 'negatives.jsonl', bench.dataset)).toEqual({ mined: found.negatives });
});
