/**
 * The cells of an experiment put together: `results.json`. Estimates of each arm, differences to the baseline with
 * intervals and corrected p-values, the champion against the best of the others, times, and a conclusion made from them.
 */

import { pause } from '@doppel/core/base';
import { UsageError } from '@doppel/core/errors';
import { type ExperimentMetric, sampleOf } from './arm_sample.ts';
import type { Cell } from './cell.ts';
import { bestRival } from './common_seeds.ts';
import { byMetric, differences, estimates, permutationTest, type Resampled, resample } from './compare.ts';
import { conclude } from './conclusion.ts';
import type { Contrast } from './contrast_settings.ts';
import { type ContrastResult, contrastOf } from './contrasts.ts';
import { EXCESS, excessRemoved } from './excess.ts';
import { holm } from './holm.ts';
import { perCent } from './plan.ts';
import type { ArmShortcut, Comparison, ExcessRemoved, ResultGroup, Results } from './result_types.ts';

/** Facts of the configuration that a report needs; the rest is in the cells. */
export interface ResultsOptions {
  baseline: string;
  champion: string;
  resamples: number;
  permutations: number;
  /** Seed of bootstrap and permutations. */
  seed: number;
  /** Arms in the order of the configuration. */
  order: readonly string[];
  contrasts?: Readonly<Record<string, Contrast>> | undefined;
}

/** The metric that arms are chosen and judged by: false alarms at equal recall. */
export const MAIN_METRIC: ExperimentMetric = 'fpr95';

/** Resampling and permutations of many cells take minutes. */
export interface ResultsWatch {
  signal?: AbortSignal | undefined;
  /** Comparisons that are done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * @throws UsageError where there are no cells, or they were tested on other pairs. @throws the signal's reason when it is
 * aborted.
 */
export async function resultsOf(
  cells: readonly Cell[],
  options: ResultsOptions,
  { signal, onProgress }: ResultsWatch = {},
): Promise<Results> {
  const first = cells[0];
  if (!first) throw noCells();
  const other = cells.find(({ tests }) => tests !== first.tests);
  if (other) throw otherTests(first, other);
  const places = first.places.length;
  const sets = Object.keys(first.sets);
  const groups = groupsOf(cells, options);
  const total = sets.length * groups.reduce((sum, { arms }) => sum + arms.length, 0);
  let done = 0;
  const toBaseline: Comparison[] = [];
  const toBest: Comparison[] = [];
  const results: ResultGroup[] = [];
  const excess: ExcessRemoved[] = [];
  for (const group of groups) {
    const context = { ...options, places };
    const draws = drawsOf(group, context);
    for (const [arm] of group.arms) {
      await pause(signal);
      for (const set of sets) draws(arm, set);
    }
    results.push(resultGroup(group, draws, sets, options));
    excess.push(...(await excessOf(group, sets, draws, options.baseline, signal)));
    for (const set of sets) {
      const compare = (arm: string, against: string) => comparison(group, set, arm, against, draws, context);
      for (const [arm] of group.arms) {
        await pause(signal);
        if (arm !== options.baseline) toBaseline.push(...compare(arm, options.baseline));
        onProgress?.(++done, total);
      }
      await pause(signal);
      const best = bestOther(group, set, context);
      if (best) toBest.push(...compare(options.champion, best));
    }
  }
  for (const family of [toBaseline, toBest]) correct(family);
  const contrasts: ContrastResult[] = [];
  for (const { arms } of groups) {
    const own = arms.flatMap(([, each]) => each);
    for (const [name, contrast] of Object.entries(options.contrasts ?? {})) {
      await pause(signal);
      const found = contrastOf(name, contrast, own, options);
      if (found) contrasts.push(found);
    }
  }
  const results_ = {
    groups: results,
    contrasts,
    excess,
    toBaseline,
    toBest,
    baseline: options.baseline,
    champion: options.champion,
  };
  return {
    ...{ doppel: 'experiment-results', version: 1 },
    tests: {
      ...{ fingerprint: first.tests, places, positives: first.positives.length },
      sets: Object.fromEntries(sets.map((set) => [set, first.sets[set]!.scores.length])),
    },
    ...results_,
    conclusion: conclude(results_),
    run: runOf(cells),
  };
}

interface Group {
  matcher: string;
  budget: number;
  arms: [string, Cell[]][];
}

/** Groups cells by matcher and budget; the largest budget first, arms in the order of the configuration. */
function groupsOf(cells: readonly Cell[], { order }: ResultsOptions): Group[] {
  const keys = new Map(cells.map(({ matcher, budget }) => [`${matcher} ${budget}`, { matcher, budget }]));
  const rank = (arm: string) => (order.includes(arm) ? order.indexOf(arm) : order.length);
  return [...keys.values()]
    .sort((a, b) => (a.matcher < b.matcher ? -1 : a.matcher > b.matcher ? 1 : b.budget - a.budget))
    .map(({ matcher, budget }) => {
      const own = cells.filter((cell) => cell.matcher === matcher && cell.budget === budget);
      const arms = [...new Set(own.map(({ arm }) => arm))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
      const bySeed = (arm: string) => own.filter((cell) => cell.arm === arm).sort((a, b) => a.seed - b.seed);
      return { matcher, budget, arms: arms.map((arm): [string, Cell[]] => [arm, bySeed(arm)]) };
    });
}

type Context = ResultsOptions & { places: number };

/** Resamples of an arm on a test set, over some of its seeds; default: all. */
type Draws = (arm: string, set: string, seeds?: readonly number[]) => Resampled;

/** Draws of a group, each made once: other arms are compared with the same baseline again and again. */
function drawsOf(group: Group, context: Context): Draws {
  const made = new Map<string, Resampled>();
  return (arm, set, seeds = seedsOf(cellsOf(group, arm))) => {
    const key = JSON.stringify([arm, set, seeds]);
    const found = made.get(key) ?? resampledOf(cellsOf(group, arm, seeds), set, context);
    made.set(key, found);
    return found;
  };
}

const seedsOf = (cells: readonly Cell[]) => cells.map(({ seed }) => seed);

function resampledOf(cells: readonly Cell[], set: string, { places, resamples, seed }: Context): Resampled {
  return resample(
    cells.map((cell) => sampleOf(cell, set)),
    seedsOf(cells),
    places,
    { resamples, seed },
  );
}

function resultGroup(
  { matcher, budget, arms }: Group,
  draws: Draws,
  sets: readonly string[],
  { baseline }: ResultsOptions,
): ResultGroup {
  const all = arms.flatMap(([, cells]) => cells);
  const mean = (of: (cell: Cell) => number, cells = all) =>
    cells.reduce((sum, cell) => sum + of(cell), 0) / cells.length;
  const places = all[0]!.places.length;
  return {
    ...{ matcher, budget },
    places: mean(({ training }) => training.places),
    pairs: mean(({ training }) => training.pairs),
    steps: mean(({ training }) => training.steps),
    arms: arms.map(([arm, cells]) => {
      const part = (name: keyof Cell['seconds']) => mean(({ seconds }) => seconds[name], cells);
      const seconds = {
        base: part('base'),
        mining: part('mining'),
        training: part('training'),
        testing: part('testing'),
      };
      return {
        arm,
        seeds: seedsOf(cells),
        sets: Object.fromEntries(sets.map((set) => [set, estimates(draws(arm, set), places)])),
        seconds: { ...seconds, total: Object.values(seconds).reduce((a, b) => a + b, 0) },
        validationAuc: mean(({ training }) => training.validationAuc, cells),
        shortcut: armShortcut(cells),
      };
    }),
    baseline: baselineCurve(arms.find(([arm]) => arm === baseline)?.[1] ?? []),
  };
}

function armShortcut(cells: readonly Cell[]): ArmShortcut | null {
  const measured = cells.flatMap(({ shortcut }) => shortcut ?? []);
  if (measured.length === 0) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const plain = measured.map(({ reconstructions }) => reconstructions.none!);
  const probes = plain.flatMap(({ probeAuc }) => probeAuc ?? []);
  return {
    real: mean(measured.map(({ real }) => real.probability)),
    reconstructed: mean(plain.map(({ probability }) => probability)),
    lost: mean(plain.map(({ lost }) => lost)),
    probeAuc: probes.length > 0 ? mean(probes) : null,
  };
}

/** First and second stage one after the other, as far as all seeds have it. */
function baselineCurve(cells: readonly Cell[]): ResultGroup['baseline'] {
  const curves = cells.map(({ training: { base, curve, steps } }) => {
    const before = base.at(-1)?.step ?? 0;
    const isGoneOn = steps > (curve.at(-1)?.step ?? 0);
    return isGoneOn ? [...base, ...curve.map((point) => ({ ...point, step: point.step + before }))] : curve;
  });
  const length = Math.min(...curves.map((curve) => curve.length), Number.MAX_SAFE_INTEGER);
  if (curves.length === 0) return [];
  return Array.from({ length }, (_, i) => ({
    step: curves[0]![i]!.step,
    validationAuc: curves.reduce((sum, curve) => sum + curve[i]!.validationAuc, 0) / curves.length,
  }));
}

/** Share of the baseline's excess that each other arm removes, over the seeds of both. */
async function excessOf(
  group: Group,
  sets: readonly string[],
  draws: Draws,
  baseline: string,
  signal: AbortSignal | undefined,
): Promise<ExcessRemoved[]> {
  const { matcher, budget, arms } = group;
  if (!sets.includes(EXCESS.hard) || !sets.includes(EXCESS.easy)) return [];
  const found: ExcessRemoved[] = [];
  for (const [arm] of arms) {
    await pause(signal);
    const seeds = sharedSeeds(group, arm, baseline);
    if (arm === baseline || seeds.length === 0) continue;
    const drawn = (name: string) => ({ hard: draws(name, EXCESS.hard, seeds), easy: draws(name, EXCESS.easy, seeds) });
    found.push({ matcher, budget, arm, seeds, removed: excessRemoved(drawn(arm), drawn(baseline)) });
  }
  return found;
}

/** Cells of an arm; of some seeds alone where these are given. */
function cellsOf({ arms }: Group, arm: string, seeds?: readonly number[]): Cell[] {
  const all = arms.find(([each]) => each === arm)?.[1] ?? [];
  return seeds ? all.filter(({ seed }) => seeds.includes(seed)) : all;
}

/** Seeds of both arms, in order. */
function sharedSeeds(group: Group, arm: string, other: string): number[] {
  const seeds = new Set(seedsOf(cellsOf(group, other)));
  return seedsOf(cellsOf(group, arm)).filter((seed) => seeds.has(seed));
}

/** Compares two arms; undefined where one was not run, or never with the same seed. */
function comparison(
  group: Group,
  set: string,
  arm: string,
  against: string,
  draws: Draws,
  context: Context,
): Comparison[] {
  const seeds = sharedSeeds(group, arm, against);
  if (seeds.length === 0) return [];
  const [own, other] = [cellsOf(group, arm, seeds), cellsOf(group, against, seeds)];
  const [a, b] = [draws(arm, set, seeds), draws(against, set, seeds)];
  const pairs = own.map((cell, i) => [sampleOf(cell, set), sampleOf(other[i]!, set)] as const);
  const p = permutationTest(pairs, context.places, context);
  const isBetter = (i: number) => {
    const one = { ...context, resamples: 0 };
    return resampledOf([own[i]!], set, one).point[MAIN_METRIC] < resampledOf([other[i]!], set, one).point[MAIN_METRIC];
  };
  const { matcher, budget } = group;
  return [
    {
      ...{ matcher, budget, set, arm, against, seeds },
      difference: differences(a, b, context.places),
      seedsBetter: seeds.filter((_, i) => isBetter(i)).length,
      p,
      adjusted: p,
    },
  ];
}

/** Finds the other arm with the fewest false alarms in the seeds that all have; variants of the champion do not count. */
function bestOther(group: Group, set: string, context: Context): string | undefined {
  const { champion } = context;
  const rivals = group.arms
    .filter(([arm]) => arm !== champion && !arm.startsWith(`${champion}-`))
    .map(([name, cells]) => ({ name, seeds: seedsOf(cells) }));
  const value = (name: string, seeds: readonly number[]) =>
    resampledOf(cellsOf(group, name, seeds), set, { ...context, resamples: 0 }).point[MAIN_METRIC];
  return bestRival({ seeds: seedsOf(cellsOf(group, champion)) }, rivals, value);
}

/** Holm's correction over all comparisons of a family, metric by metric. */
function correct(family: Comparison[]): void {
  const adjusted = byMetric((metric) => holm(family.map(({ p }) => p[metric])));
  family.forEach((each, i) => {
    each.adjusted = byMetric((metric) => adjusted[metric][i]!);
  });
}

function runOf(cells: readonly Cell[]): Results['run'] {
  const all = (of: (cell: Cell) => string | null) =>
    [...new Set(cells.map(of).filter((value) => value !== null))].sort();
  const dates = all(({ run }) => run.date);
  return {
    machines: all(({ run }) => run.machine),
    backends: all(({ run }) => run.backend),
    commits: all(({ run }) => run.commit),
    versions: all(({ run }) => run.doppel),
    ...{ from: dates[0]!, to: dates.at(-1)!, cells: cells.length },
    seconds: cells.reduce((sum, { seconds: { mining, training, testing } }) => sum + mining + training + testing, 0),
  };
}

const noCells = () =>
  new UsageError({
    action: 'report on an experiment',
    expected: 'at least one cell',
    found: 'none',
    remedy: 'Run it by `doppel experiment run`.',
  });

function otherTests(a: Cell, b: Cell): UsageError {
  const name = ({ matcher, budget, seed, arm }: Cell) => `${matcher}, ${perCent(budget)} %, seed ${seed}, ${arm}`;
  return new UsageError({
    action: 'report on an experiment',
    expected: 'cells that were tested on the same pairs',
    found: `others for (${name(a)}) and (${name(b)})`,
    remedy: 'Merge shards of the same configuration, data set and splits only.',
  });
}
