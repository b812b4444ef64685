/**
 * Quality of a generator of SAR patches, in figures meaningful for radar, each beside the same figure for real patches
 * against real ones. `quality/` has one figure a file; `docs/generator.md` says how to read them.
 */

import { pause } from '../base/pause.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { UsageError } from '../errors.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import { scorePairs } from '../matcher/score_pairs.ts';
import type { PairScorer, ScorerHalves } from '../matcher/scorer.ts';
import type { ModelInfo } from '../model.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import { type PatchSource, shapeOf } from '../prepare/patch_source.ts';
import { PatchCache, preparePatch } from '../prepare/prepared_patches.ts';
import type { Unit } from '../raster/raster.ts';
import type { LatentGenerator } from './latent.ts';
import { isSamePreparation } from './made_patches.ts';
import { checkGenerator } from './make_patches.ts';
import { type PatchStack, patchAt, stackOf } from './patch_stack.ts';
import { type Beside, beside, SET_NAMES, SET_PAIRS, type SetName } from './quality/compare.ts';
import { type FeatureRows, featureScale, type KernelDistance, kernelDistance } from './quality/kernel_distance.ts';
import { halvesWithinPlaces, type Likeness, measureLikeness } from './quality/likeness.ts';
import { type Looks, type LooksSummary, looksOf, summariseLooks } from './quality/looks.ts';
import { scrambled } from './quality/made_sets.ts';
import { type MovesColumn, movesSheet } from './quality/moves_sheet.ts';
import { type Diversity, diversity } from './quality/ms_ssim.ts';
import { type Memorisation, memorisation, NearestSearch } from './quality/nearest.ts';
import { drawRealSets, type RealSets } from './quality/real_sets.ts';
import { priorAndRemade, readSet, remade } from './quality/remade_sets.ts';
import { patternRows, sarFeatures } from './quality/sar_features.ts';
import { asRaster, type SarScale, sarScale, shownUnit } from './quality/sar_scale.ts';
import { SLICED_DEFAULTS, type SlicedOptions, slicedDistances } from './quality/sliced_wasserstein.ts';
import { measureValues, type ValueFigures, valueRange } from './quality/values.ts';
import { wasserstein } from './quality/wasserstein.ts';
import { type GrainGenerator, hasGrain } from './remake.ts';

/** The matcher in whose features patches are compared. */
export interface QualityMatcher {
  /** Scorer of the matcher; without `halves` if it has no separate SAR stream. */
  scorer: { halves?: Pick<ScorerHalves, 'features'> | undefined; score?: PairScorer['score'] };
  normalisation: Normalisation;
  info: Pick<ModelInfo, 'fingerprint'> & Partial<Pick<ModelInfo, 'calibration'>>;
}

export const QUALITY_DEFAULTS = { count: 1000, pairs: 1000, seed: 1, split: 'validation', judgeSteps: 400 } as const;

export interface QualityTask {
  generator: LatentGenerator;
  dataset: Dataset;
  matcher?: QualityMatcher | undefined;
  /** Maximum number of patches in each set. */
  count?: number;
  /** Pairs of patches whose likeness is averaged. */
  pairs?: number;
  /** Split of the real patches that the generator never saw. */
  split?: 'validation' | 'test';
  /** Seed of samples, sets and directions. */
  seed?: number;
  /** Steps that the networks which tell made from real are trained for. */
  judgeSteps?: number;
  sliced?: Pick<SlicedOptions, 'neighbourhoods' | 'maxNeighbourhoods' | 'directions'>;
  signal?: AbortSignal | undefined;
  onProgress?: ((phase: string, done: number, total: number) => void) | undefined;
}

export interface KernelFigures extends Beside {
  /** Standard errors, of the halves and the training patches against each other, and of the generated ones. */
  errors: {
    heldOut: { generated: number | null; real: number | null };
    learned: { generated: number | null; real: number | null };
  };
  /** The matcher's checkpoint. */
  matcher: string;
  features: number;
}

type Kinds<T> = Record<'generated' | 'reconstructed' | 'training' | 'heldOut', T>;

export interface GeneratorQuality {
  count: number;
  seed: number;
  split: 'validation' | 'test';
  places: RealSets['places'];
  slicedWasserstein: {
    /** Sides of the pyramid's levels in pixels, the finest first. */
    levels: { side: number; distances: Beside; contrast: Kinds<number> }[];
    /** Over the levels. */
    mean: Beside;
    neighbourhoods: number;
    directions: number;
  };
  /** Null without a matcher that has a SAR stream: `notMeasured` says why. */
  kernelDistance: KernelFigures | null;
  values: ValueFigures;
  likeness: Likeness;
  /** Null if the unit is no radar unit. */
  looks: (Kinds<LooksSummary> & { distances: Beside | null }) | null;
  diversity: Kinds<Diversity>;
  memorisation: { patches: number; patterns: Memorisation; features: Memorisation | null };
  scale: SarScale & { shown: Unit };
  /** Figures that could not be taken, with the reason. */
  notMeasured: { figure: string; reason: string }[];
  warnings: string[];
}

/** Patches that a report shows, with their rows in the stacks and records in the data set. */
export interface ShownPatches {
  sets: Record<SetName, PatchStack>;
  /** Made of held-out patches, where a generator draws speckle: its prior makes none that is of use. */
  made?: PatchStack;
  /** Held-out patches beside what each move makes of them, for the same generators. */
  moves?: MovesColumn[] | undefined;
  /** Records of the real sets, by row. */
  records: Record<'training' | 'others' | 'heldOutA' | 'heldOutB', number[]>;
  /** Nearest training patch of each generated patch, by pattern. */
  nearest: { row: number; record: number; distance: number }[];
}

export interface GeneratorEvaluation {
  quality: GeneratorQuality;
  shown: ShownPatches;
}

/**
 * Deterministic by seed. The patches of seven sets are in memory at once (16 kB each at side 64); training patches pass
 * by in blocks.
 *
 * @throws SplitError where the generator was trained on a place that validates or tests here, or there are too few
 * patches.
 * @throws UsageError where generator, matcher and data do not fit. @throws the signal's reason when it is aborted.
 */
export async function evaluateGenerator(task: QualityTask): Promise<GeneratorEvaluation> {
  const { generator, dataset, matcher, signal } = task;
  const { count: wanted, seed, split } = { ...QUALITY_DEFAULTS, ...task };
  requireSide(generator, dataset);
  const { normalisation } = generator.info;
  const warnings = checkGenerator(generator, matcher?.normalisation ?? normalisation, dataset);
  const train = dataset.indicesOf('train');
  const real = drawRealSets(dataset.records, { train, heldOut: dataset.indicesOf(split), count: wanted, seed });
  const patches = new PatchCache(dataset, normalisation);
  const sets = await makeSets(task, real, patches, seed);
  const { count } = sets.generated;
  const scale = await sarScale(dataset, train, normalisation);

  const featuresOf = matcher && featuresBy(matcher, generator, scale, signal);
  const { likeness, made } = await likenessOf(task, real, sets, patches, scale, seed, featuresOf);
  const slicedWasserstein = await measureSliced(task, sets, seed);
  const { rows, features, reason } = await featuresOfSets(matcher, sets, featuresOf);
  const kernel = features && (await measureKernel(features, matcher!.info.fingerprint, signal));
  const values = await measureValues(sets, scale, signal);
  const looks = await measureLooks(task, sets, scale);
  const varied = await measureDiversity(task, sets, seed);
  const nearest = await searchNearest(task, real.learned, patches, sets, rows, features);
  const { copies, shown } = nearest;
  const notMeasured = [
    ...(features ? [] : [{ figure: 'kernelDistance', reason: reason! }]),
    ...(looks ? [] : [{ figure: 'looks', reason: `Samples in ${scale.unit} are no radar unit.` }]),
  ];
  return {
    quality: {
      ...{ count, seed, split, places: real.places, slicedWasserstein, kernelDistance: kernel ?? null, values },
      ...{
        likeness,
        looks,
        diversity: varied,
        memorisation: copies,
        scale: { ...scale, shown: shownUnit(scale) },
        notMeasured,
      },
      warnings: [...warnings, ...real.warnings, ...lenient(slicedWasserstein.mean)],
    },
    shown: {
      sets,
      ...(hasGrain(generator) && { made, moves: await movesOf(generator, dataset, real, seed) }),
      records: {
        ...{ training: real.training, others: real.others },
        ...{ heldOutA: real.heldOutA, heldOutB: real.heldOutB },
      },
      nearest: shown,
    },
  };
}

/** Ratio of scrambled patches below which the held-out figures discriminate too little. */
const TELLING = 5;

function lenient({ heldOut }: Beside): string[] {
  const ratio = heldOut.scrambled / heldOut.real;
  if (!(ratio < TELLING)) return [];
  return [
    `The held-out halves are so far from each other that even scrambled patches are only ${ratio.toFixed(1)} times as far from them: go by the figures against training patches, or hold out more places.`,
  ];
}

function requireSide({ info }: LatentGenerator, { header, folder }: Dataset): void {
  if (info.side === header.side) return;
  throw new UsageError({
    action: `measure a generator on ${folder}`,
    expected: `patches of side ${info.side}, as the generator makes`,
    found: `patches of side ${header.side}`,
    remedy: `Import the data again with --side ${info.side}, or name another generator.`,
  });
}

async function makeSets(
  { generator, dataset, signal, onProgress }: QualityTask,
  real: RealSets,
  patches: PatchSource,
  seed: number,
): Promise<Record<SetName, PatchStack>> {
  const count = real.training.length;
  const task = { generator, dataset, patches, seed, signal };
  const training = await readSet(real.training, task);
  const { prior, remade: again } = await priorAndRemade(real.training, {
    ...task,
    onProgress: (done) => onProgress?.('making patches', Math.round(2 * done), 2 * count),
  });
  return {
    ...{ generated: prior, reconstructed: again, training },
    others: await readSet(real.others, task),
    heldOutA: await readSet(real.heldOutA, task),
    heldOutB: await readSet(real.heldOutB, task),
    scrambled: scrambled(training, seed),
  };
}

async function likenessOf(
  task: QualityTask,
  real: RealSets,
  sets: Record<SetName, PatchStack>,
  patches: PatchSource,
  scale: SarScale,
  seed: number,
  features: FeaturesOf | undefined,
): Promise<{ likeness: Likeness; made: PatchStack }> {
  const { generator, dataset, matcher, signal, onProgress } = task;
  const making = { generator, dataset, patches, seed, signal };
  const { sources, others } = halvesWithinPlaces([...real.heldOutA, ...real.heldOutB], dataset.records);
  const made = await remade(sources, making);
  const heldOut = { sources: await readSet(sources, making), made, real: await readSet(others, making) };
  const training = { made: sets.reconstructed, real: sets.training, others: sets.others };
  const asMatcher = matcher && preparer(matcher, generator, scale);
  const likeness = await measureLikeness({
    ...{ sets: { training, heldOut }, scale, seed, signal, steps: task.judgeSteps ?? QUALITY_DEFAULTS.judgeSteps },
    onProgress: (done, total) => onProgress?.('judges', done, total),
    features,
  });
  return { likeness: { ...likeness, matches: await matchesOf(task, sources, made, asMatcher) }, made };
}

/** Held-out patches on the sheet of moves. */
const MOVED = 8;

function movesOf(generator: GrainGenerator, dataset: Dataset, real: RealSets, seed: number) {
  const others = [...real.heldOutA, ...real.heldOutB];
  const every = Math.max(1, Math.floor(others.length / MOVED));
  const candidates = others.filter((_, i) => i % every === 0).slice(0, MOVED);
  return movesSheet(generator, dataset, { candidates, others, seed });
}

type FeaturesOf = (stack: PatchStack) => Promise<FeatureRows>;

/** Features of sets by a matcher, computed once for each; undefined where it has no stream of SAR patches. */
function featuresBy(
  matcher: QualityMatcher,
  generator: LatentGenerator,
  scale: SarScale,
  signal: AbortSignal | undefined,
): FeaturesOf | undefined {
  const { halves } = matcher.scorer;
  if (!halves) return undefined;
  const asMatcher = preparer(matcher, generator, scale);
  const known = new Map<PatchStack, Promise<FeatureRows>>();
  return (stack) => {
    const found = known.get(stack) ?? sarFeatures(halves, asMatcher(stack), signal);
    known.set(stack, found);
    return found;
  };
}

/** Prepares patches as a matcher does, if the generator's preparation differs. */
function preparer({ normalisation }: QualityMatcher, { info }: LatentGenerator, scale: SarScale) {
  if (isSamePreparation(info.normalisation, normalisation)) return (stack: PatchStack) => stack;
  return ({ side, count, data }: PatchStack): PatchStack => {
    const prepared = Array.from({ length: count }, (_, row) =>
      preparePatch(asRaster(patchAt({ side, count, data }, row), side, scale), 'sar', normalisation, 'a patch'),
    );
    return stackOf(prepared, side);
  };
}

/** Calls of the matcher for the true pairs of sources, and for the same pairs with the made patches. */
async function matchesOf(
  { matcher, dataset, signal }: QualityTask,
  sources: readonly number[],
  made: PatchStack,
  asMatcher: ((stack: PatchStack) => PatchStack) | undefined,
): Promise<Likeness['matches']> {
  const { score } = matcher?.scorer ?? {};
  const calibration = matcher?.info.calibration;
  if (!matcher || !score || !calibration) return null;
  const cache = new PatchCache(dataset, matcher.normalisation);
  const prepared = asMatcher!(made);
  const isCalled = async (sar: PatchSource['sar']) => {
    const references = sources.map((record, i) => ({ sar: i, optical: record }));
    const given = { sar, optical: (index: number) => cache.optical(index) };
    const scores = await scorePairs(references, {
      scorer: { score },
      ...{ patches: given, shape: shapeOf(matcher.normalisation), batch: 64, signal },
    });
    return Array.from(scores, (each) => probabilityOf(each, calibration) >= calibration.threshold);
  };
  const before = await isCalled((i) => cache.sar(sources[i]!));
  const after = await isCalled((i) => patchAt(prepared, i));
  const called = before.filter((isMatch) => isMatch).length;
  return { called, lost: called === 0 ? null : before.filter((isMatch, i) => isMatch && !after[i]).length / called };
}

async function measureSliced(
  { sliced, signal, onProgress }: QualityTask,
  sets: Record<SetName, PatchStack>,
  seed: number,
): Promise<GeneratorQuality['slicedWasserstein']> {
  const settings = { ...SLICED_DEFAULTS, ...sliced };
  const { sides, contrast, distances } = await slicedDistances(sets, SET_PAIRS, {
    ...{ ...settings, seed, signal },
    onProgress: (done, total) => onProgress?.('sliced Wasserstein distance', done, total),
  });
  const kinds = (level: number): Kinds<number> => ({
    generated: contrast.generated[level]!,
    reconstructed: contrast.reconstructed[level]!,
    training: contrast.training[level]!,
    heldOut: Math.sqrt((contrast.heldOutA[level]! ** 2 + contrast.heldOutB[level]! ** 2) / 2),
  });
  const { count } = sets.generated;
  return {
    levels: sides.map((side, level) => ({
      side,
      distances: beside(distances.map((each) => each[level]!)),
      contrast: kinds(level),
    })),
    mean: beside(distances.map((each) => each.reduce((sum, value) => sum + value, 0) / each.length)),
    neighbourhoods: Math.max(1, Math.min(settings.neighbourhoods, Math.floor(settings.maxNeighbourhoods / count))),
    directions: settings.directions,
  };
}

interface SetFeatures {
  /** Patterns, of the generated set and both held-out halves. */
  rows: Pick<Record<SetName, FeatureRows>, 'generated' | 'heldOutA' | 'heldOutB'>;
  /** The matcher's, divided so that the mean square over real patches is 1. */
  features: (Record<SetName, FeatureRows> & { scale: number }) | undefined;
  /** Why there are none. */
  reason?: string;
}

async function featuresOfSets(
  matcher: QualityMatcher | undefined,
  sets: Record<SetName, PatchStack>,
  featuresOf: FeaturesOf | undefined,
): Promise<SetFeatures> {
  const rows = {
    generated: patternRows(sets.generated),
    heldOutA: patternRows(sets.heldOutA),
    heldOutB: patternRows(sets.heldOutB),
  };
  if (!matcher) return { rows, features: undefined, reason: 'No matcher was given.' };
  if (!featuresOf) return { rows, features: undefined, reason: 'The matcher has no separate SAR stream.' };
  const features = {} as Record<SetName, FeatureRows>;
  for (const name of SET_NAMES) {
    const found = await featuresOf(sets[name]);
    features[name] = { ...found, data: found.data.slice() };
  }
  const scale = featureScale([features.training, features.others]);
  for (const name of SET_NAMES) divide(features[name], scale);
  return { rows, features: { ...features, scale } };
}

function divide({ data }: FeatureRows, scale: number): void {
  for (let i = 0; i < data.length; i++) data[i]! /= scale;
}

async function measureKernel(
  features: Record<SetName, FeatureRows>,
  matcher: string,
  signal: AbortSignal | undefined,
): Promise<KernelFigures> {
  const found: KernelDistance[] = [];
  for (const [a, b] of SET_PAIRS) found.push(await kernelDistance(features[a], features[b], signal));
  const errorOf = (name: SetName, other: SetName) =>
    found[SET_PAIRS.findIndex(([a, b]) => a === name && b === other)]!.error;
  const halves = [errorOf('generated', 'heldOutA'), errorOf('generated', 'heldOutB')];
  const errors = {
    heldOut: {
      // Both halves meet the same generated patches, so that their errors do not average out.
      generated: halves.includes(null) ? null : (halves[0]! + halves[1]!) / 2,
      real: errorOf('heldOutA', 'heldOutB'),
    },
    learned: { generated: errorOf('generated', 'others'), real: errorOf('training', 'others') },
  };
  const chance = { heldOut: 2 * (errors.heldOut.real ?? 0), learned: 2 * (errors.learned.real ?? 0) };
  const figures = beside(
    found.map(({ value }) => value),
    chance,
  );
  return { ...figures, errors, matcher, features: features.generated.width };
}

async function measureLooks(
  { signal, onProgress }: QualityTask,
  sets: Record<SetName, PatchStack>,
  scale: SarScale,
): Promise<GeneratorQuality['looks']> {
  const found = {} as Record<SetName, Looks>;
  for (const [i, name] of SET_NAMES.entries()) {
    const looks = await looksOf(sets[name], scale, signal);
    if (!looks) return null;
    found[name] = looks;
    onProgress?.('looks', i + 1, SET_NAMES.length);
  }
  const distances = SET_PAIRS.map(([a, b]) => wasserstein(found[a].logarithms, found[b].logarithms));
  return {
    generated: summariseLooks(found.generated),
    reconstructed: summariseLooks(found.reconstructed),
    training: summariseLooks(found.training),
    heldOut: summariseLooks(joined(found.heldOutA, found.heldOutB)),
    distances: distances.every(Number.isFinite) ? beside(distances) : null,
  };
}

const joined = (a: Looks, b: Looks): Looks => ({
  logarithms: Float64Array.from([...a.logarithms, ...b.logarithms]),
  patches: a.patches + b.patches,
});

async function measureDiversity(
  { pairs = QUALITY_DEFAULTS.pairs, signal, onProgress }: QualityTask,
  sets: Record<SetName, PatchStack>,
  seed: number,
): Promise<Kinds<Diversity>> {
  const range = valueRange([sets.training, sets.others]);
  const heldOut = stackOf([...halfOf(sets.heldOutA), ...halfOf(sets.heldOutB)], sets.heldOutA.side);
  const kinds = { generated: sets.generated, reconstructed: sets.reconstructed, training: sets.training, heldOut };
  const found = {} as Kinds<Diversity>;
  for (const [i, name] of (Object.keys(kinds) as (keyof typeof kinds)[]).entries()) {
    found[name] = await diversity(kinds[name], range, { pairs, seed, signal });
    onProgress?.('diversity', i + 1, 4);
  }
  return found;
}

/** The first half of a set's patches, which are in random order; at least one. */
function halfOf({ data, side, count }: PatchStack): Float32Array[] {
  const length = side * side;
  return Array.from({ length: Math.ceil(count / 2) }, (_, row) => data.subarray(row * length, (row + 1) * length));
}

/** Training patches that pass by at a time. */
const SEARCH_BLOCK = 256;

async function searchNearest(
  { matcher, generator, signal, onProgress }: QualityTask,
  learned: readonly number[],
  patches: PatchSource,
  sets: Record<SetName, PatchStack>,
  rows: SetFeatures['rows'],
  features: SetFeatures['features'],
): Promise<{ copies: GeneratorQuality['memorisation']; shown: ShownPatches['nearest'] }> {
  const heldOut = (of: Record<'heldOutA' | 'heldOutB', FeatureRows>) => alternating(of.heldOutA, of.heldOutB);
  const patterns = { generated: new NearestSearch(rows.generated), real: new NearestSearch(heldOut(rows)) };
  const seen = features && {
    generated: new NearestSearch(features.generated),
    real: new NearestSearch(heldOut(features)),
  };
  for (let start = 0; start < learned.length; start += SEARCH_BLOCK) {
    await pause(signal);
    const records = learned.slice(start, start + SEARCH_BLOCK);
    const block = stackOf(await Promise.all(records.map((record) => patches.sar(record))), generator.info.side);
    const means = patternRows(block);
    patterns.generated.add(means, records);
    patterns.real.add(means, records);
    if (seen) {
      const found = await sarFeatures(matcher!.scorer.halves!, block, signal);
      divide(found, features!.scale);
      seen.generated.add(found, records);
      seen.real.add(found, records);
    }
    onProgress?.('nearest training patches', start + records.length, learned.length);
  }
  const distances = patterns.generated.distances;
  return {
    copies: {
      patches: learned.length,
      patterns: memorisation(distances, patterns.real.distances),
      features: seen ? memorisation(seen.generated.distances, seen.real.distances) : null,
    },
    shown: Array.from({ length: sets.generated.count }, (_, row) => ({
      row,
      record: patterns.generated.rows[row]!,
      distance: distances[row]!,
    })),
  };
}

/** Rows of both in turn, as many as one of them has. */
function alternating(a: FeatureRows, b: FeatureRows): FeatureRows {
  const { count, width } = a;
  const data = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const { data: from } = row % 2 === 0 ? a : b;
    data.set(from.subarray(row * width, (row + 1) * width), row * width);
  }
  return { data, count, width };
}
