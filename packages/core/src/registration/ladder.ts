/**
 * Choice of a model by cross-validation over cells: the stiffest one whose error is not clearly above the least (the rule
 * of one standard error of Breiman et al., Classification and Regression Trees, 1984, on paired differences of blocks).
 *
 * Polynomials are chosen by leaving out thirds of the scene, for they are used where no point is: terrain that leans the
 * points of one valley must not tilt the far corner. A spline then has to be better between points that are near.
 */
import { Rng } from '../base/random.ts';
import { fitPlane, type Match, MINIMAL, type Normalisation } from './fit_plane.ts';
import { hilbert, sideFor } from './hold_out.ts';
import { MODEL_KINDS, type ModelKind, type Rung } from './registration.ts';
import { bentFit, type RobustFit, refined, residualOf, robustFit, type StiffKind, scored } from './robust_fit.ts';

export interface LadderOptions extends Normalisation {
  /** Distance within which a match agrees with a map, in units of the ground. */
  readonly gate: number;
  /** Side of a pixel of the working grid in units of the ground. */
  readonly pixel: number;
  readonly seed: number;
  /** Models that are tried. Default: all. */
  readonly kinds?: readonly ModelKind[] | undefined;
  /** Models of them that may be chosen. Default: all. */
  readonly eligible?: readonly ModelKind[] | undefined;
}

export interface CellMatch extends Match {
  readonly cell: { readonly column: number; readonly row: number };
}

type Unseen = readonly (readonly [dx: number, dy: number] | undefined)[];

/** A model that was tried. */
export interface Climbed {
  readonly kind: ModelKind;
  readonly fit: RobustFit;
  /** Residual of each match by the fit without its block of cells; undefined where there is no such fit. */
  readonly unseen: Unseen;
  /** The same by the fit without its ninth of the scene; for a spline, which is not used so far from points, `unseen`. */
  readonly far: Unseen;
  readonly smoothing: number | undefined;
}

export interface Ladder {
  readonly rungs: readonly Rung[];
  readonly chosen: Climbed | undefined;
  /** Models that could be fitted and chosen, stiffest first. */
  readonly climbed: readonly Climbed[];
}

/** Matches that must agree before a model is tried: twice its parameters make its error an estimate. */
const NEEDED: Record<ModelKind, number> = { shift: 2, similarity: 4, affine: 6, quadratic: 14, spline: 20 };
const PARAMETERS: Record<ModelKind, number> = { shift: 2, similarity: 4, affine: 6, quadratic: 12, spline: 12 };
const SMOOTHINGS = [0.001, 0.01, 0.1, 1];
const FOLDS = 5;
/** Cells along the side of a block that goes into one fold: neighbours resemble each other. */
const BLOCK = 2;
/** Blocks along the side of the scene for models that are used far from their points. */
const FAR = 3;

export function climb(matches: readonly CellMatch[], options: LadderOptions): Ladder {
  const kinds = options.kinds ?? MODEL_KINDS;
  const blocks = { near: blocksOf(matches, BLOCK), far: blocksOf(matches, thirdOf(matches)) };
  const folds = { near: foldsOf(blocks.near, matches.length, options.seed), far: foldsOf(blocks.far, matches.length) };
  const climbed: Climbed[] = [];
  const fits = new Map<StiffKind, RobustFit | undefined>();
  const stiff = (kind: StiffKind) => {
    if (!fits.has(kind)) fits.set(kind, stiffFit(kind, matches, options));
    return fits.get(kind);
  };
  for (const kind of MODEL_KINDS.filter((each) => kinds.includes(each))) {
    const start = stiff(isBent(kind) ? 'affine' : kind);
    const smoothings = kind === 'spline' ? SMOOTHINGS : [undefined];
    const tries = smoothings.flatMap(
      (smoothing) => tryModel(kind, matches, start, { folds, smoothing, ...options }) ?? [],
    );
    const best = leastBy(tries, (each) => lossOf(each, options));
    if (best) climbed.push(best);
  }
  // Errors of all models on the same matches: those that agree with any of them.
  const common = [...new Set(climbed.flatMap(({ fit }) => fit.inliers))];
  const losses = climbed.map(({ unseen }) => common.map((i) => lossAt(unseen, i, options)));
  const able = climbed.map((_, i) => i).filter((i) => options.eligible?.includes(climbed[i]!.kind) ?? true);
  const best = choose(
    able.map((i) => climbed[i]!),
    common,
    able.map((i) => losses[i]!),
    blocks,
    options,
  );
  const chosen = climbed[able[best] ?? -1];
  const rungs = kinds.map((kind): Rung => {
    const at = climbed.findIndex((each) => each.kind === kind);
    const parameters =
      kind === 'spline' && at >= 0 ? 2 * (climbed[at]!.fit.map.knots!.at.length + 3) - 6 : PARAMETERS[kind];
    if (at < 0) return { kind, parameters, inliers: 0, chosen: false };
    const crossValidated = Math.sqrt(meanOf(losses[at]!)) / options.pixel;
    return {
      kind,
      parameters,
      crossValidated,
      inliers: climbed[at]!.fit.inliers.length,
      chosen: climbed[at] === chosen,
    };
  });
  return { rungs, chosen, climbed: able.map((i) => climbed[i]!) };
}

/** Index of the polynomial that is best far from points, or of the spline that is clearly better near them. */
function choose(
  climbed: readonly Climbed[],
  common: readonly number[],
  near: readonly (readonly number[])[],
  blocks: { readonly near: readonly string[]; readonly far: readonly string[] },
  options: LadderOptions,
): number {
  const spline = climbed.findIndex(({ kind }) => kind === 'spline');
  const stiff = climbed.filter(({ kind }) => kind !== 'spline');
  const far = stiff.map((each) => common.map((i) => lossAt(each.far, i, options)));
  const best = stiffest(
    far,
    common.map((i) => blocks.far[i]!),
  );
  if (spline < 0 || best < 0) return Math.max(spline, best);
  const isClearlyBent =
    stiffest(
      [near[best]!, near[spline]!],
      common.map((i) => blocks.near[i]!),
    ) === 1;
  return isClearlyBent ? spline : best;
}

/**
 * Index of the first list whose mean is above the least mean by no more than the standard error of the difference.
 *
 * @param blocks of the items: those of one block resemble each other and count together.
 */
export function stiffest(losses: readonly (readonly number[])[], blocks: readonly string[]): number {
  const least = losses.reduce((best, each, i) => (meanOf(each) < meanOf(losses[best]!) ? i : best), 0);
  return losses.findIndex((each) => {
    const differences = each.map((loss, i) => loss - losses[least]![i]!);
    const mean = meanOf(differences);
    const sums = new Map<string, number>();
    differences.forEach((difference, i) => {
      sums.set(blocks[i]!, (sums.get(blocks[i]!) ?? 0) + difference - mean);
    });
    const squares = [...sums.values()].reduce((sum, each) => sum + each * each, 0);
    const few = sums.size / Math.max(1, sums.size - 1); // their mean is one of them
    return mean <= Math.sqrt(few * squares) / differences.length;
  });
}

const leastBy = <T>(items: readonly T[], of: (item: T) => number): T | undefined =>
  items.reduce<T | undefined>((best, each) => (best === undefined || of(each) < of(best) ? each : best), undefined);

interface Trial extends LadderOptions {
  /** Fold of each match: of small blocks, and of large ones. */
  readonly folds: { readonly near: readonly number[]; readonly far: readonly number[] };
  readonly smoothing: number | undefined;
}

/** @param start fit of a stiff model, or the affine one that a bent model starts from; without it none is tried. */
function tryModel(
  kind: ModelKind,
  matches: readonly CellMatch[],
  start: RobustFit | undefined,
  { folds, smoothing, ...options }: Trial,
): Climbed | undefined {
  const fitting = { ...options, ...(smoothing !== undefined && { smoothing }) };
  const fit = start && isBent(kind) ? bentFit(kind, start, matches, fitting) : start;
  if (!fit || fit.inliers.length < NEEDED[kind]) return undefined;
  const unseen = unseenBy(kind, matches, fit, folds.near, fitting);
  const far = kind === 'spline' ? unseen : unseenBy(kind, matches, fit, folds.far, fitting);
  return { kind, fit, smoothing, unseen, far };
}

export const isBent = (kind: ModelKind): kind is Exclude<ModelKind, StiffKind> =>
  kind === 'quadratic' || kind === 'spline';

const stiffFit = (kind: StiffKind, matches: readonly CellMatch[], options: LadderOptions) =>
  robustFit(kind, matches, { ...options, rng: Rng.derive(options.seed, 'ransac', kind) });

/** Residuals of the chosen model at matches without which it was fitted, one in five, whose neighbours it was fitted to. */
export const scatteredResiduals = (
  { kind, fit, smoothing }: Climbed,
  matches: readonly CellMatch[],
  options: LadderOptions,
) =>
  unseenBy(kind, matches, fit, scatteredFolds(matches), { ...options, ...(smoothing !== undefined && { smoothing }) });

/** Fold of each match, such that neighbours are in different ones. */
export function scatteredFolds(matches: readonly CellMatch[]): number[] {
  const side = sideFor(matches.map(({ cell }) => cell));
  const along = matches
    .map(({ cell }, i) => ({ i, at: hilbert(side, cell.column, cell.row) }))
    .sort((a, b) => a.at - b.at);
  const folds = matches.map(() => 0);
  along.forEach(({ i }, position) => {
    folds[i] = position % FOLDS;
  });
  return folds;
}

function unseenBy(
  kind: ModelKind,
  matches: readonly CellMatch[],
  fit: RobustFit,
  folds: readonly number[],
  options: LadderOptions & { smoothing?: number },
): Climbed['unseen'] {
  const unseen: (readonly [number, number] | undefined)[] = matches.map(() => undefined);
  for (const fold of new Set(folds)) {
    const kept = matches.flatMap((_, i) => (folds[i] === fold ? [] : [i]));
    const without = fitWithout(kind, matches, kept, fit, options);
    if (!without) continue;
    matches.forEach((match, i) => {
      if (folds[i] === fold) unseen[i] = residualOf(without.map, match);
    });
  }
  return unseen;
}

function fitWithout(
  kind: ModelKind,
  matches: readonly Match[],
  kept: readonly number[],
  { inliers }: RobustFit,
  options: LadderOptions & { smoothing?: number },
): RobustFit | undefined {
  const near = new Set(inliers);
  const start = kept.filter((i) => near.has(i)).map((i) => matches[i]!);
  if (start.length <= MINIMAL[kind]) return undefined;
  const map = fitPlane(kind, start, options);
  const rest = kept.map((i) => matches[i]!);
  if (map && kind === 'spline') return scored(map, rest, options.gate); // its inliers hardly change, and it is dear
  return map && refined(kind, rest, scored(map, rest, options.gate), options);
}

/** Fold of each match: whole blocks, dealt out in a seeded order, or one a block; single matches where there are few. */
function foldsOf(blocks: readonly string[], matches: number, seed?: number): number[] {
  if (matches <= 2 * FOLDS) return blocks.map((_, i) => i);
  const names = [...new Set(blocks)];
  if (seed !== undefined) Rng.derive(seed, 'folds').shuffle(names);
  const foldOf = new Map(names.map((name, i) => [name, seed === undefined ? i : i % FOLDS]));
  return blocks.map((name) => foldOf.get(name)!);
}

export const blocksOf = (matches: readonly CellMatch[], side: number): string[] =>
  matches.map(({ cell }) => `${Math.floor(cell.column / side)} ${Math.floor(cell.row / side)}`);

/** Cells along a third of the scene. */
const thirdOf = (matches: readonly CellMatch[]) =>
  Math.max(1, Math.ceil((1 + Math.max(...matches.map(({ cell }) => Math.max(cell.column, cell.row)))) / FAR));

/** Squared error of a match that the fit has not seen, at most that of one at the gate. */
function lossAt(unseen: Unseen, i: number, { gate }: LadderOptions): number {
  const residual = unseen[i];
  return residual ? Math.min(gate * gate, residual[0] ** 2 + residual[1] ** 2) : gate * gate;
}

const lossOf = (climbed: Climbed, options: LadderOptions) =>
  meanOf(climbed.unseen.map((_, i) => lossAt(climbed.unseen, i, options)));

const meanOf = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);
