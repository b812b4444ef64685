/** Cells put together: intervals, p-values, corrections, and a conclusion that says what the numbers say. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../packages/core/src/base/random.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import { rocAuc } from '../../packages/core/src/evaluation/metrics.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { measurer, sampleOf } from '../../packages/experiment/src/arm_sample.ts';
import { type Cell, readCell } from '../../packages/experiment/src/cell.ts';
import { permutationTest, resample } from '../../packages/experiment/src/compare.ts';
import { isRising } from '../../packages/experiment/src/conclusion.ts';
import { contrastSchema } from '../../packages/experiment/src/contrast_settings.ts';
import { holm } from '../../packages/experiment/src/holm.ts';
import { experimentFigures, experimentHtml } from '../../packages/experiment/src/report.ts';
import { resultsOf } from '../../packages/experiment/src/results.ts';

const PLACES = 12;
const EACH = 10;

/** Scores of true pairs about +d/2, of negatives about −d/2; every place has an offset of its own. */
function cell(arm: string, seed: number, separation: number, change: Partial<Cell> = {}): Cell {
  const rng = Rng.derive(seed, arm, separation);
  const shared = Rng.derive(7, 'pairs'); // what makes a pair hard is the same for all arms
  const n = PLACES * EACH;
  const hardness = Array.from({ length: n }, () => shared.normal());
  const positives = hardness.map((hard) => separation / 2 + hard + 0.3 * rng.normal());
  const negatives = hardness.map((hard) => -separation / 2 + hard + 0.3 * rng.normal());
  const of = hardness.map((_, i) => i);
  const point = (epoch: number) => ({
    epoch,
    step: epoch * 10,
    trainLoss: 0.6,
    validationLoss: 0.5,
    validationAuc: 0.7,
  });
  return {
    ...{ doppel: 'experiment-cell', version: 1, matcher: 'paper-bn', budget: 1, seed, arm, settings: 's', tests: 't' },
    places: Array.from({ length: PLACES }, (_, i) => `p${i}`),
    placeOf: hardness.map((_, i) => Math.floor(i / EACH)),
    positives,
    sets: { shuffled: { of, scores: negatives }, 'shift-4': { of, scores: negatives.map((score) => score + 0.5) } },
    calibration: { temperature: 1, threshold: 0.5 },
    training: {
      ...{ places: 40, pairs: 400, steps: 40, bestEpoch: 1, validationAuc: 0.7, validationLoss: 0.5 },
      ...{ curve: [point(1)], base: [point(1), point(2), point(3)] },
    },
    seconds: { base: 10, mining: 1, training: 5, testing: 2 },
    ...{ shortcut: null, mining: null },
    run: {
      backend: 'native',
      precision: 'fp32',
      machine: 'one',
      date: '2026-01-01T00:00:00.000Z',
      doppel: '0',
      commit: 'abc',
    },
    ...change,
  };
}

const options = {
  baseline: 'random',
  champion: 'adaptive',
  resamples: 200,
  permutations: 300,
  seed: 1,
  order: ['random', 'loss', 'adaptive'],
};

describe('Holm’s correction', () => {
  it('gives the textbook’s numbers', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02].map((p) => expect.closeTo(p, 10)));
    expect(holm([])).toEqual([]);
  });

  it('never lowers a p-value, keeps their order and stays within 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
        const adjusted = holm(values);
        values.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          values.forEach((q, j) => {
            if (p < q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
          });
        });
      }),
    );
  });
});

describe('a sample', () => {
  it('is measured as the evaluation does, on calibrated margins', () => {
    const own = cell('random', 1, 2, { calibration: { temperature: 2, threshold: 0.7 } });
    const sample = sampleOf(own, 'shift-4');
    const { auc, accuracy } = measurer(sample)();
    const scores = [...own.positives, ...own.sets['shift-4']!.scores];
    const labels = scores.map((_, i) => (i < own.positives.length ? 1 : 0));
    expect(auc).toBeCloseTo(rocAuc(scores, labels), 12);
    const isMatch = (score: number) => 1 / (1 + Math.exp(-score / 2)) >= 0.7;
    expect(accuracy).toBeCloseTo(
      scores.filter((score, i) => isMatch(score) === (labels[i] === 1)).length / scores.length,
      12,
    );
  });

  it('counts places as often as they were drawn', () => {
    const sample = sampleOf(cell('random', 1, 2), 'shuffled');
    const alone = new Uint32Array(PLACES);
    alone[3] = 5;
    const kept = Array.from(sample.places, (place, i) => (place === 3 ? i : -1)).filter((i) => i >= 0);
    expect(measurer(sample)(alone).auc).toBeCloseTo(
      rocAuc(
        kept.map((i) => sample.margins[i]!),
        kept.map((i) => sample.labels[i]!),
      ),
      12,
    );
  });
});

describe('a comparison', () => {
  const samples = (arm: string, separation: number, seeds = [1, 2, 3]) =>
    seeds.map((seed) => sampleOf(cell(arm, seed, separation), 'shuffled'));

  it('has a small p where arms differ, and not where they do not', () => {
    const pairs = (separation: number) => samples('a', separation).map((a, i) => [a, samples('b', 2)[i]!] as const);
    const test = (separation: number) => permutationTest(pairs(separation), PLACES, { permutations: 300, seed: 1 });
    expect(test(3).fpr95).toBeLessThan(0.02);
    expect(test(3).accuracy).toBeLessThan(0.02);
    expect(test(2).auc).toBeGreaterThan(0.05);
  });

  it('of an arm with itself has p = 1', () => {
    const pairs = samples('a', 2).map((sample) => [sample, sample] as const);
    const p = permutationTest(pairs, PLACES, { permutations: 50, seed: 1 });
    expect(new Set(Object.values(p))).toEqual(new Set([1]));
  });

  it('draws places and seeds the same for all arms, so that differences are paired', () => {
    const draw = (separation: number) =>
      resample(samples('a', separation), [1, 2, 3], PLACES, { resamples: 50, seed: 4 });
    expect(draw(2)).toEqual(draw(2));
    const [weak, strong] = [draw(2), draw(3)];
    const gains = strong.draws.auc.map((value, i) => value - weak.draws.auc[i]!);
    const spread = (values: Float64Array) => Math.max(...values) - Math.min(...values);
    expect(spread(gains)).toBeLessThan(spread(weak.draws.auc));
  });
});

const ofLoss = contrastSchema.parse({ arm: 'loss', against: ['random'], set: 'shuffled', metric: 'fpr80' });

const whole = () =>
  [1, 2, 3].flatMap((seed) => [cell('random', seed, 2), cell('loss', seed, 2), cell('adaptive', seed, 3.5)]);

describe('the results', () => {
  it('hold estimates, paired differences with corrected p-values, times and a conclusion', async () => {
    const results = await resultsOf(whole(), options);
    const [group] = results.groups;
    expect(group!.arms.map(({ arm }) => arm)).toEqual(['random', 'loss', 'adaptive']);
    expect(group!.arms[0]!.seconds).toMatchObject({ base: 10, total: 18 });
    expect(group!.baseline.map(({ step }) => step)).toEqual([10, 20, 30, 40]);
    expect(results.toBaseline.map(({ arm, set }) => `${arm} ${set}`)).toEqual([
      'loss shuffled',
      'adaptive shuffled',
      'loss shift-4',
      'adaptive shift-4',
    ]);
    for (const { arm, difference, p, adjusted, seedsBetter, seeds } of results.toBaseline) {
      expect(adjusted.fpr95).toBeGreaterThanOrEqual(p.fpr95);
      if (arm !== 'adaptive') continue;
      expect(difference.fpr95.mean).toBeLessThan(0);
      expect(difference.fpr95.interval![1]).toBeLessThan(0);
      expect(adjusted.fpr95).toBeLessThan(0.05);
      expect([seedsBetter, seeds.length]).toEqual([3, 3]);
    }
    expect(results.toBest.every(({ arm, against }) => arm === 'adaptive' && against !== 'adaptive')).toBe(true);
    const text = results.conclusion.join('\n');
    expect(text).toMatch(
      /adaptive against random, FPR at 95 % recall on the hard sets: lower in 1 of 1 .*away from 0 in 1.*1 significant/,
    );
    expect(text).toMatch(
      /Ranking of adaptive against random, ROC-AUC on the hard sets: lower in 0 of 1 .*higher in 1 \(away from 0 in 1\); 1 significant.*The largest: \+0\.\d{3} \(\+0\.\d{3} to \+0\.\d{3}\)/,
    );
    expect(text).toMatch(/adaptive against the best of all other arms in each set, .*: lower in 2 of 2/);
    expect(text).toMatch(/rests on 3 seeds and 40 updates a matcher. The baseline had stopped improving/);
  });

  it('say a loss where it is one, and what was not run', async () => {
    const cells = [1, 2, 3].flatMap((seed) => [cell('random', seed, 3), cell('loss', seed, 1.5)]);
    const { conclusion, toBest } = await resultsOf(cells, options);
    expect(conclusion.join('\n')).toMatch(
      /loss against random.*lower in 0 of 1 .*higher in 1 \(away from 0 in 1\).*The largest: \+/,
    );
    expect(conclusion.join('\n')).toMatch(/Accuracy of loss against random on shuffled pairs: −/);
    expect(conclusion.join('\n')).toMatch(/The arm adaptive was not run/);
    expect(toBest).toEqual([]);
  });

  it('show the shortcut of each arm where it was measured', async () => {
    const made = { score: 1, probability: 0.4, called: 0.3, lost: 0.5, gained: 0.1, probeAuc: 0.9 };
    const shortcut = {
      ...{ generator: 'vae', pairs: 10, real: { score: 2, probability: 0.8, called: 0.7 } },
      ...{ reconstructions: { none: made }, negatives: { none: made } },
    };
    const cells = [cell('random', 1, 2), cell('loss', 1, 2, { shortcut })];
    const results = await resultsOf(cells, options);
    expect(results.groups[0]!.arms.map((arm) => arm.shortcut)).toEqual([
      null,
      { real: 0.8, reconstructed: 0.4, lost: 0.5, probeAuc: 0.9 },
    ]);
    const html = experimentHtml({ results, data: { folder: 'data', fingerprint: 'f' }, config: '' });
    expect(html).toMatch(/The shortcut.*loss, 100 %.*0\.800.*0\.400.*50\.0 %.*0\.900/s);
  });

  it('compare only seeds that both arms have', async () => {
    const cells = [cell('random', 1, 2), cell('random', 2, 2), cell('loss', 2, 2), cell('loss', 3, 2)];
    expect((await resultsOf(cells, options)).toBaseline.map(({ seeds }) => seeds)).toEqual([[2], [2]]);
  });

  it('say that there is no excess to remove, and print no number of it', async () => {
    const hard = (each: Cell, more: number): Cell => {
      const { of, scores } = each.sets.shuffled!;
      return { ...each, sets: { ...each.sets, 'look-alikes': { of, scores: scores.map((score) => score + more) } } };
    };
    const cells = (more: number) => [hard(cell('random', 1, 2), more), hard(cell('loss', 1, 2), 0.1)];
    const few = { ...options, resamples: 20, permutations: 5, contrasts: { made: ofLoss } };
    const none = await resultsOf(cells(-0.5), few);
    expect(none.excess.map(({ arm, removed }) => [arm, removed])).toEqual([['loss', null]]);
    expect(none.conclusion.join('\n')).toMatch(
      /No share of an excess is known at 100 % .*random has no more false alarms/,
    );
    const html = experimentHtml({ results: none, data: { folder: 'data', fingerprint: 'f' }, config: '' });
    expect(html + none.conclusion.join()).not.toMatch(/NaN|null|Infinity/);
    const some = await resultsOf(cells(0.5), few);
    expect(some.excess[0]!.removed!.mean).toBeGreaterThan(0);
    expect(some.conclusion.join('\n')).toMatch(/Share of the excess of random.*loss \d/);
  });

  it('compare the champion with the best in the seeds that all have, and stop within contrasts', async () => {
    const cells = [
      ...[cell('random', 1, 2), cell('random', 2, 0.2), cell('loss', 1, 1.5)],
      ...[cell('adaptive', 1, 3), cell('adaptive', 2, 3)],
    ];
    const few = { ...options, resamples: 20, permutations: 5 };
    expect((await resultsOf(cells, few)).toBest.map(({ against }) => against)).toEqual(['random', 'random']);
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => {
      if (done === total) controller.abort(new Error('stopped'));
    };
    const watch = { signal: controller.signal, onProgress };
    await expect(resultsOf(cells, { ...few, contrasts: { made: ofLoss } }, watch)).rejects.toThrow('stopped');
  });

  it('say how far they are, and stop when they are told to', async () => {
    const seen: string[] = [];
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => {
      seen.push(`${done}/${total}`);
      if (done === 2) controller.abort(new Error('stopped'));
    };
    await expect(resultsOf(whole(), options, { signal: controller.signal, onProgress })).rejects.toThrow('stopped');
    expect(seen).toEqual(['1/6', '2/6']);
  });

  it('refuse cells that were tested on other pairs, and none', async () => {
    await expect(resultsOf([cell('random', 1, 2), cell('loss', 1, 2, { tests: 'others' })], options)).rejects.toThrow(
      /tested on the same pairs/,
    );
    await expect(resultsOf([], options)).rejects.toThrow(UsageError);
  });

  it('become one page with plots, in which what comes from outside is escaped', async () => {
    const results = await resultsOf(whole(), options);
    const html = experimentHtml({ results, data: { folder: '<data>', fingerprint: 'f'.repeat(64) }, config: 'a: <b>' });
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('&lt;data&gt;');
    expect(html).not.toContain('<b>');
    for (const { arm } of results.groups[0]!.arms) expect(html).toContain(`>${arm}`);
    expect(Object.keys(experimentFigures(results)).sort()).toEqual([
      'baseline-paper-bn-100',
      'difference-shift-4',
      'difference-shuffled',
    ]);
    expect(html).not.toMatch(/NaN|undefined/);
  });
});

it('a rise is a gain in the last third that is more than rounding', () => {
  expect(isRising([0.5, 0.6, 0.7, 0.8, 0.85, 0.9])).toBe(true);
  expect(isRising([0.5, 0.8, 0.9, 0.9, 0.9, 0.902])).toBe(false);
  expect(isRising([0.5, 0.6])).toBe(true);
});

describe('a cell', () => {
  it('comes back as it was written; a broken one is named', async () => {
    const store = new MemoryStore();
    await store.write('a.json', JSON.stringify(cell('random', 1, 2)));
    expect(await readCell(store, 'a.json')).toEqual(cell('random', 1, 2));
    expect(await readCell(store, 'b.json')).toBeUndefined();
    await store.write('c.json', '{"doppel":"experiment-cell"');
    await expect(readCell(store, 'c.json')).rejects.toThrow(/c\.json.*Remove the file/);
  });
});
