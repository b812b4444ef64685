/** Comparisons that are fixed beforehand: their unit is the seed, and power and equivalence are those of the textbook. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../packages/core/src/base/random.ts';
import { EXPERIMENT_METRICS } from '../../packages/experiment/src/arm_sample.ts';
import type { Cell } from '../../packages/experiment/src/cell.ts';
import type { Resampled } from '../../packages/experiment/src/compare.ts';
import { completeSeeds } from '../../packages/experiment/src/complete.ts';
import { armSchema, identityOf, parseExperiment } from '../../packages/experiment/src/config.ts';
import { contrastSchema } from '../../packages/experiment/src/contrast_settings.ts';
import { contrastOf, detectable, powerLines } from '../../packages/experiment/src/contrasts.ts';
import { excessRemoved } from '../../packages/experiment/src/excess.ts';
import { planCells } from '../../packages/experiment/src/plan.ts';
import { tailOf, tQuantile } from '../../packages/experiment/src/student.ts';

const PLACES = 10;
const EACH = 12;

function cell(arm: string, seed: number, separation: number): Cell {
  const rng = Rng.derive(seed, arm);
  const shared = Rng.derive(7, 'pairs');
  const hardness = Array.from({ length: PLACES * EACH }, () => shared.normal());
  const of = hardness.map((_, i) => i);
  const scores = (sign: 1 | -1) => hardness.map((hard) => (sign * separation) / 2 + hard + 0.2 * rng.normal());
  return {
    ...{ matcher: 'paper-bn', budget: 0.1, seed, arm },
    places: Array.from({ length: PLACES }, (_, i) => `p${i}`),
    placeOf: of.map((i) => Math.floor(i / EACH)),
    positives: scores(1),
    sets: { 'look-alikes': { of, scores: scores(-1) } },
    calibration: { temperature: 1, threshold: 0.5 },
  } as unknown as Cell;
}

const options = { resamples: 60, seed: 1 };
const contrast = (change: object) =>
  contrastSchema.parse({ arm: 'edited', against: ['random'], set: 'look-alikes', metric: 'fpr80', ...change });
const cells = [1, 2, 3, 4].flatMap((seed) => [
  cell('random', seed, 1),
  cell('edited', seed, 1.8),
  cell('placebo', seed, 1.2),
]);

describe('Student’s t', () => {
  it.each([
    [1, 12.706],
    [2, 4.303],
    [11, 2.201],
    [30, 2.042],
  ])('has the quantiles of the table at %i degrees of freedom', (freedom, quantile) => {
    expect(tQuantile(0.975, freedom)).toBeCloseTo(quantile, 2);
    expect(tailOf(-quantile, freedom)).toBeCloseTo(0.05, 3);
    expect(tailOf(0, freedom)).toBeCloseTo(1, 9);
  });
});

describe('a contrast', () => {
  it('is the mean of the seeds’ differences, with an error of seeds and places', () => {
    const found = contrastOf('made', contrast({}), [...cells, cell('edited', 9, 3)], options)!;
    expect(found).toMatchObject({ seeds: [1, 2, 3, 4], against: 'random', equivalence: null });
    expect(found.mean).toBeCloseTo(found.differences.reduce((a, b) => a + b) / 4, 12);
    expect(found.standardError).toBeGreaterThan(found.deviation! / 2); // places add to it
    const reach = tQuantile(0.975, 3) * found.standardError!;
    expect(found.interval).toEqual([found.mean - reach, found.mean + reach]);
    expect(found.mean).toBeLessThan(0);
    expect(found.p).toBeLessThan(0.05);
  });

  it('with several arms is one with the best of them', () => {
    const found = (metric: string) =>
      contrastOf('made', contrast({ against: ['random', 'placebo', 'absent'], metric }), cells, options)!.against;
    expect([found('fpr80'), found('accuracy')]).toEqual(['placebo', 'placebo']);
    expect(contrastOf('made', contrast({ against: ['absent'] }), cells, options)).toBeUndefined();
  });

  it('chooses the best of several by the seeds that all of them have', () => {
    // In the one seed that it has, `few` loses to `many`; the second seed of `many` is a bad one.
    const run = [
      ...[cell('edited', 1, 2), cell('edited', 2, 2)],
      ...[cell('many', 1, 1.6), cell('many', 2, 0.2), cell('few', 1, 1.2), cell('apart', 7, 5)],
    ];
    const found = contrastOf('made', contrast({ against: ['few', 'many', 'apart'] }), run, options)!;
    expect(found).toMatchObject({ against: 'many', seeds: [1, 2] });
    expect(contrastOf('made', contrast({ against: ['apart'] }), run, options)).toBeUndefined();
  });

  it('of arms that do not differ at all has p = 1', () => {
    const twins = [1, 2, 3].flatMap((seed) => [cell('random', seed, 1), { ...cell('random', seed, 1), arm: 'edited' }]);
    expect(contrastOf('made', contrast({}), twins, options)).toMatchObject({ mean: 0, standardError: 0, p: 1 });
  });

  it('has no interval where a metric is undefined in many draws of the places, or there is one place', () => {
    const onePlace = (each: Cell): Cell => ({ ...each, places: ['p0'], placeOf: each.placeOf.map(() => 0) });
    // All negatives are of one place of ten: a draw in three has none of them.
    const rare = (each: Cell): Cell => {
      const { scores } = each.sets['look-alikes']!;
      return { ...each, sets: { 'look-alikes': { of: scores.map((_, i) => i % EACH), scores } } };
    };
    for (const change of [onePlace, rare]) {
      const found = contrastOf('made', contrast({ equivalence: 0.1 }), cells.map(change), options)!;
      expect(found.mean).toBeLessThan(0);
      expect(found).toMatchObject({ deviation: null, standardError: null, interval: null, p: null, equivalence: null });
    }
    const none = (each: Cell): Cell => ({ ...each, sets: { 'look-alikes': { of: [], scores: [] } } });
    expect(contrastOf('made', contrast({}), cells.map(none), options)).toBeUndefined();
    const without = cells.map((each) => (each.arm === 'random' ? none(each) : each));
    const several = contrast({ against: ['random', 'placebo'] });
    expect(contrastOf('made', several, without, options)).toMatchObject({ against: 'placebo', seeds: [1, 2, 3, 4] });
  });

  it('of equivalence asks whether the 90 % interval lies within the margin', () => {
    const [wide, narrow] = [10, 0.001].map(
      (equivalence) => contrastOf('e', contrast({ equivalence }), cells, options)!,
    );
    expect([wide!.equivalence!.holds, narrow!.equivalence!.holds]).toEqual([true, false]);
    expect(wide!.equivalence!.interval[0]).toBeGreaterThan(wide!.interval![0]);
  });

  it('states its power beforehand', () => {
    const asked = contrast({ deviation: 0.03 });
    expect(detectable(asked, 12)).toBeCloseTo((0.03 * (2.201 + 0.876)) / Math.sqrt(12), 4);
    const equal = contrast({ deviation: 0.0104, equivalence: 0.01 });
    expect(detectable(equal, 12)).toBeCloseTo((0.0104 * (1.796 + 1.363)) / Math.sqrt(12), 4);
    expect(powerLines({ equal }, () => 12)[0]).toContain('12 seeds show equivalence within 0.95 points with a power');
    expect([detectable(equal, 1), detectable(contrast({}), 12)]).toEqual([undefined, undefined]);
    expect(powerLines({ made: asked, open: contrast({}) }, () => 12)).toEqual([
      'contrast made: 12 seeds show a difference of 2.66 points with a power of 80 %, if differences deviate by 3.00 points from seed to seed',
    ]);
  });
});

it('the excess removed is that of look-alikes over shuffled', () => {
  const of = (value: number): Resampled => ({
    point: Object.fromEntries(EXPERIMENT_METRICS.map((metric) => [metric, value])) as Resampled['point'],
    draws: Object.fromEntries(
      EXPERIMENT_METRICS.map((metric) => [metric, Float64Array.of(value, value + 0.1)]),
    ) as Resampled['draws'],
  });
  const removed = excessRemoved({ hard: of(0.3), easy: of(0.2) }, { hard: of(0.4), easy: of(0.2) })!;
  expect(removed.mean).toBeCloseTo(0.5, 12);
  expect(removed.interval).toEqual([expect.closeTo(0.5, 9), expect.closeTo(0.5, 9)]);
});

describe('an excess that the baseline', () => {
  const of = (value: number, draws: number[]): Resampled => ({
    point: Object.fromEntries(EXPERIMENT_METRICS.map((metric) => [metric, value])) as Resampled['point'],
    draws: Object.fromEntries(
      EXPERIMENT_METRICS.map((metric) => [metric, Float64Array.from(draws)]),
    ) as Resampled['draws'],
  });
  const zeros = new Array<number>(40).fill(0);
  const arm = { hard: of(0.1, new Array(40).fill(0.1)), easy: of(0, zeros) };
  const baseline = (point: number, without: number) => ({
    hard: of(
      point,
      Array.from({ length: 40 }, (_, i) => (i < without ? -0.1 : 0.2)),
    ),
    easy: of(0, zeros),
  });

  it('does not have cannot be removed', () => {
    for (const point of [0, -0.1, Number.NaN]) expect(excessRemoved(arm, baseline(point, 0))).toBeNull();
  });

  it('lacks in some draws is estimated without them, and has no interval where they are many', () => {
    expect(excessRemoved(arm, baseline(0.2, 2))).toEqual({ mean: 0.5, interval: [0.5, 0.5] });
    expect(excessRemoved(arm, baseline(0.2, 3))).toEqual({ mean: 0.5, interval: null });
  });
});

describe('a configuration', () => {
  const length = { epochs: 1, stepsPerEpoch: 1 };
  const parse = (change: object) =>
    parseExperiment(
      {
        ...{ data: 'data', seeds: [1, 2, 3], budgets: [1], base: length, tune: length },
        arms: { random: { strategy: 'random' }, ceiling: { strategy: 'ceiling', seeds: 2 } },
        ...change,
      },
      'test',
    );

  it('limits arms to the first seeds, and a report to complete ones', () => {
    const config = parse({});
    expect(planCells(config).map(({ arms }) => arms.length)).toEqual([2, 2, 1]);
    const made = [
      ['random', 1],
      ['ceiling', 1],
      ['random', 2],
      ['random', 3],
    ].map(([arm, seed]) => ({ matcher: 'paper-bn', budget: 1, seed, arm }) as Cell);
    expect(completeSeeds(made, config).map(({ seed }) => seed)).toEqual([1, 1, 3]);
  });

  it('has arms that differ in losses and batches, and refuses other changes', () => {
    const tune = { loss: {}, statistics: 'frozen', batch: { alike: {} }, negatives: { margin: {}, memory: {} } };
    expect(armSchema.parse({ strategy: 'random', tune }).tune).toMatchObject({ loss: { softmax: 1 } });
    expect(() => armSchema.parse({ strategy: 'random', tune: { epochs: 9 } })).toThrow(/epochs/);
    expect(identityOf(armSchema.parse({ strategy: 'random', seeds: 6 }))).toEqual({ strategy: 'random' });
  });

  it('refuses contrasts of arms that it does not have', () => {
    expect(() => parse({ contrasts: { made: contrast({}) } })).toThrow(/contrast made/);
  });
});
