/**
 * From tie points to a judged registration: a robust model out of the ladder, quality at points that no fit has seen, and
 * a verdict. Pure computation: no file is read.
 */
import { quantile } from '../base/quantile.ts';
import { Rng } from '../base/random.ts';
import { caveatsOf } from './caveats.ts';
import { logTail, luckOf, shareWithin } from './chance.ts';
import { type CorrelatedFit, correlatedFit, USUAL_SLOPE } from './correlated_fit.ts';
import { fitPlane, type Match, type Normalisation, normalisationOf, type Symmetric } from './fit_plane.ts';
import { holdOut } from './hold_out.ts';
import {
  blocksOf,
  type CellMatch,
  type Climbed,
  climb,
  isBent,
  type Ladder,
  type LadderOptions,
  scatteredFolds,
  scatteredResiduals,
} from './ladder.ts';
import { matrixOf, type PixelGround } from './matrix.ts';
import { estimateNoise, gateOf, type Noise, withNoise } from './noise.ts';
import { mapPoint } from './plane_map.ts';
import { CE90_POINTS, qualityOf } from './quality.ts';
import {
  type GroundPosition,
  MODEL_KINDS,
  type ModelKind,
  type PlaneMap,
  type Registration,
  type TiePoint,
} from './registration.ts';
import { residualOf, type StiffKind } from './robust_fit.ts';
import { type Evidence, type Lean, TRUST_LIMITS, type TrustLimits, verdictOf } from './verdict.ts';

/** Frame of a fit: the grid of the matches, the models allowed, and the settings. */
export interface JudgeFrame {
  readonly grid: Registration['grid'];
  /** Half a side of the square in which each point was searched, in pixels of the working grid. */
  readonly search: number;
  readonly seed: number;
  /** Models that are tried. Default: all. */
  readonly kinds?: readonly ModelKind[] | undefined;
  /** Slopes by which the georeferences may differ by rotation and scale. Default: the usual ones. */
  readonly turn?: number | undefined;
}

export interface Frame extends JudgeFrame, PixelGround {
  /** Points found by the other kind of features: they vote on the verdict, and enter no fit. */
  readonly second?: readonly TiePoint[] | undefined;
  readonly limits?: TrustLimits | undefined;
}

export type Judgement = Pick<
  Registration,
  'status' | 'reason' | 'caveats' | 'points' | 'ladder' | 'correction' | 'matrix' | 'quality' | 'tests'
>;

/** Gate of the first fit, in pixels; the second one's is estimated. */
const FIRST_GATE = 3;
/** Covariance of a point that states none, in squared pixels. */
const UNKNOWN: Symmetric = [1, 0, 1];
/** Points below which no fit is tried. */
const FEWEST = 4;
const RESAMPLES = 50;

/** A point that can be fitted. */
type Found = TiePoint & { readonly opticalGround: GroundPosition };
type FoundMatch = CellMatch & { readonly point: Found };

/** @param points of all cells; those with the reason `used` are candidates. */
export function judge(points: readonly TiePoint[], frame: Frame): Judgement {
  const candidates = points.filter(isFound);
  const held = holdOut(candidates, frame.seed);
  const matches = candidates.map((point) => matchOf(point, frame.grid));
  const [fitted, unseen] = [
    matches.filter(({ point }) => !held.has(point.id)),
    matches.filter(({ point }) => held.has(point.id)),
  ];
  const solution = fitted.length >= FEWEST ? solve(fitted, cornersOf(points), frame) : undefined;
  const marked = markPoints(points, held, frame.grid, solution);
  if (!solution) {
    const reason = `too few points: ${candidates.length} of ${points.length} cells can be used, and no model fits them`;
    return { status: 'refused', reason, points: marked, ladder: [], tests: [] };
  }
  const evidence = evidenceOf(solution, fitted, unseen, points, frame);
  const limits = frame.limits ?? TRUST_LIMITS;
  const { tests, reason } = verdictOf(evidence, limits);
  const isTaken = reason === undefined && evidence.lean.distance > limits.lean;
  return {
    ...(reason === undefined ? { status: 'trusted' } : { status: 'refused', reason }),
    ...{
      caveats: caveatsOf(marked, isTaken ? evidence.lean : undefined),
      points: marked,
      ladder: solution.ladder.rungs,
      tests,
    },
    correction: { crs: frame.grid.crs, map: solution.map },
    matrix: matrixOf(solution.map, frame),
    quality: judgeQuality(marked, frame),
  };
}

/** Map of a kind through the points of a judged registration that were fitted or tried; undefined where none fits. */
export function fitAgain(points: readonly TiePoint[], kind: ModelKind, frame: JudgeFrame): PlaneMap | undefined {
  const tried = points
    .map((point) => (point.reason === 'off the model' ? { ...point, reason: 'used' as const } : point))
    .filter((point) => isFound(point) && !point.heldOut) as Found[];
  if (tried.length < FEWEST) return undefined;
  const matches = tried.map((point) => matchOf(point, frame.grid));
  return solve(matches, cornersOf(points), { ...frame, kinds: [kind] })?.map;
}

const isFound = (point: TiePoint): point is Found => point.reason === 'used' && point.opticalGround !== undefined;

interface Solution {
  readonly ladder: Ladder;
  readonly kind: ModelKind;
  readonly map: PlaneMap;
  readonly noise: Noise;
  /** Gate in pixels. */
  readonly gate: number;
  /** Distance in pixels within which the map is right at the corners, in nine cases of ten. */
  readonly corner: number;
  /** Lean of the points, in pixels. */
  readonly lean: Lean;
}

/** Matches below which the linear part is not looked for: it is what the errors of a few lean it to. */
const FEW = 12;

/** Models that may be chosen by the number of matches: few tell a shift, and a turn only where one is expected. */
function eligibleFor(count: number, { kinds, turn = 0 }: JudgeFrame): readonly ModelKind[] | undefined {
  if (kinds || count >= FEW) return undefined;
  return turn > USUAL_SLOPE ? ['shift', 'similarity'] : ['shift'];
}

/** Climbs the ladder twice: the first fit tells the noise and the gate of the second. */
function solve(
  matches: readonly FoundMatch[],
  corners: readonly GroundPosition[],
  frame: JudgeFrame,
): Solution | undefined {
  const { grid, search, seed, turn } = frame;
  const { kinds } = frame;
  const pixel = pixelOf(grid);
  const normalisation = normalisationOf(matches.map(({ from }) => from));
  const options = { ...normalisation, pixel, seed, kinds, eligible: eligibleFor(matches.length, frame) };
  const plain = withExtra(matches, { scale: 1, extra: pixel * pixel });
  const first = climb(plain, { ...options, gate: FIRST_GATE * pixel, kinds: cheap(kinds) }).chosen;
  if (!first) return undefined;
  const gate = gateOf(distancesOf(first, matches, pixel), search);
  const noise = noiseOf(scatteredResiduals(first, plain, { ...options, gate: gate * pixel }), matches, gate, pixel);
  const [weighted, final] = [withExtra(matches, noise), { ...options, gate: gate * pixel }];
  const ladder = climbSurely(weighted, final, corners);
  const { chosen } = ladder;
  if (!chosen) return undefined;
  const settled = isBent(chosen.kind)
    ? bentSettled(chosen, weighted, final, corners)
    : settle(ladder, weighted, { ...normalisation, pixel, search, isAsked: frame.kinds?.length === 1, turn }, corners);
  if (!settled) return undefined;
  const lasting = gateOf(
    settled.unseen.flatMap((residual) => (residual ? [Math.hypot(...residual) / pixel] : [])),
    search,
  );
  return {
    ...{ ladder: marked(ladder, settled.kind), kind: settled.kind, map: settled.map, gate: lasting },
    ...{ noise: noiseOf(settled.unseen, matches, lasting, pixel), corner: settled.corner / pixel },
    lean: {
      ...{ distance: settled.lean.distance / pixel, deviation: settled.lean.deviation / pixel },
      isTold: (turn ?? 0) > USUAL_SLOPE,
    },
  };
}

/** A map that was settled on. */
interface Settled {
  readonly kind: ModelKind;
  readonly map: PlaneMap;
  /** Residuals of matches by fits without them and every fifth other. */
  readonly unseen: Climbed['unseen'];
  /** Displacements in units of the ground. */
  readonly corner: number;
  readonly lean: Pick<Lean, 'distance' | 'deviation'>;
}

function bentSettled(
  chosen: Climbed,
  matches: readonly FoundMatch[],
  options: LadderOptions,
  corners: readonly GroundPosition[],
): Settled {
  const agreeing = chosen.fit.inliers.map((i) => matches[i]!);
  const corner = cornerUncertainty(chosen, agreeing, corners, options);
  return {
    kind: chosen.kind,
    map: chosen.fit.map,
    unseen: scatteredResiduals(chosen, matches, options),
    ...{ corner, lean: NO_LEAN },
  };
}

const NO_LEAN = { distance: 0, deviation: 0 };

/** Standard deviations within which corners lie in nine cases of ten, by scenes side by side: see docs/registration.md. */
const NINE_OF_TEN = 1.3;
/** Standard deviations beyond which the linear part is more than nothing. */
const LINEAR = 0.7;

interface SettleOptions extends Normalisation {
  readonly pixel: number;
  readonly search: number;
  readonly turn: number | undefined;
  /** True if the user has named the model. */
  readonly isAsked: boolean;
}

/**
 * Fits a stiff model again, with what neighbours have in common and what is known of georeferences. Where the model of
 * cross-validation contradicts that clearly, it is right; else the verdict asks how far off it may lie at the corners.
 */
function settle(
  { chosen, climbed }: Ladder,
  matches: readonly FoundMatch[],
  { turn, isAsked, search, pixel, ...normalisation }: SettleOptions,
  corners: readonly GroundPosition[],
): Settled | undefined {
  const widest = isAsked ? chosen! : climbed.filter(({ kind }) => !isBent(kind)).at(-1)!;
  const gate = pixel * gateOf(distancesOf(widest, matches, pixel), search);
  const isNear = (i: number) => Math.hypot(...residualOf(widest.fit.map, matches[i]!)) <= gate;
  const agreeing = new Set(widest.fit.inliers.filter(isNear));
  const free = { kind: chosen!.kind as StiffKind, slopes: { turn: ANY_SLOPE, shear: ANY_SLOPE } };
  const usual = {
    kind: widest.kind as StiffKind,
    slopes: { turn: Math.max(USUAL_SLOPE, turn ?? 0), shear: USUAL_SLOPE },
  };
  const fit = ({ kind, slopes }: typeof free, kept: (i: number) => boolean = () => true) =>
    correlatedFit(
      kind,
      matches.filter((_, i) => agreeing.has(i) && kept(i)),
      { ...normalisation, pixel, slopes },
    );
  const freely = fit(free);
  let [way, found] = isAsked ? [free, freely] : [usual, fit(usual)];
  if (!found) return undefined;
  const movedFrom = ({ map }: CorrelatedFit) => (freely ? apart(freely.map, map, corners) : 0);
  if (freely && movedFrom(found) > CLEAR * worstOf(freely, corners)) [way, found] = [free, freely];
  else if (!isAsked && isFlat(found, corners)) {
    way = { ...usual, kind: 'shift' };
    found = fit(way) ?? found;
  }
  const folds = scatteredFolds(matches);
  const mapOf = new Map([...new Set(folds)].map((fold) => [fold, fit(way, (i) => folds[i] !== fold)?.map]));
  return {
    ...{ kind: way.kind, map: found.map },
    unseen: matches.map((match, i) => residualOf(mapOf.get(folds[i]!) ?? found.map, match)),
    corner: NINE_OF_TEN * worstOf(found, corners),
    lean: freely ? { distance: movedFrom(found), deviation: worstOf(freely, corners) } : NO_LEAN,
  };
}

/** Standard deviations of the cross-validated model beyond which it contradicts what is known of georeferences. */
const CLEAR = 5;

const worstOf = (fit: CorrelatedFit, corners: readonly GroundPosition[]) =>
  Math.max(...corners.map((corner) => fit.uncertaintyAt(corner)));

/** Slope beyond any: no prior. */
const ANY_SLOPE = 1;

const isFlat = (fit: CorrelatedFit, corners: readonly GroundPosition[]) =>
  corners.every((corner) => {
    const { length, deviation } = fit.linearAt(corner);
    return length <= LINEAR * deviation;
  });

const marked = (ladder: Ladder, kind: ModelKind): Ladder => ({
  ...ladder,
  rungs: ladder.rungs.map((rung) => ({ ...rung, chosen: rung.kind === kind })),
});

/** Uncertainty at the corners, in pixels, above which a bent model is left for a stiffer one: it may go anywhere there. */
const BENT_CORNER = 0.5;

/** Climbs the ladder, without bent models that the matches do not hold at the corners. */
function climbSurely(
  matches: readonly FoundMatch[],
  options: LadderOptions,
  corners: readonly GroundPosition[],
): Ladder {
  const ladder = climb(matches, options);
  const { chosen } = ladder;
  if (!chosen || !isBent(chosen.kind)) return ladder;
  const agreeing = chosen.fit.inliers.map((i) => matches[i]!);
  const uncertainty = cornerUncertainty(chosen, agreeing, corners, options);
  if (uncertainty <= BENT_CORNER * options.pixel) return ladder;
  const kinds = (options.kinds ?? MODEL_KINDS).filter((kind) => kind !== chosen.kind);
  if (kinds.length === 0) return ladder; // it was asked for
  const stiffer = climbSurely(matches, { ...options, kinds }, corners);
  const left = ladder.rungs.filter(({ kind }) => kind === chosen.kind).map((rung) => ({ ...rung, chosen: false }));
  const rungs = [...stiffer.rungs, ...left];
  return { ...stiffer, rungs: rungs.sort((a, b) => MODEL_KINDS.indexOf(a.kind) - MODEL_KINDS.indexOf(b.kind)) };
}

/** Models of the first fit: without the spline, which is dear. */
const cheap = (kinds: readonly ModelKind[] = MODEL_KINDS): readonly ModelKind[] => {
  const without = kinds.filter((kind) => kind !== 'spline');
  return without.length > 0 ? without : ['affine'];
};

const withExtra = <M extends Match>(matches: readonly M[], noise: Noise): M[] =>
  matches.map((match) => ({ ...match, covariance: withNoise(match.covariance, noise) }));

/** Distances from the fit that has not seen the match, in pixels. */
const distancesOf = ({ unseen, fit }: Climbed, matches: readonly Match[], pixel: number) =>
  matches.map((match, i) => Math.hypot(...(unseen[i] ?? residualOf(fit.map, match))) / pixel);

/** Noise of the matches within the gate, by fits that have not seen them. */
function noiseOf(unseen: Climbed['unseen'], matches: readonly Match[], gate: number, pixel: number): Noise {
  const residuals = matches.flatMap(({ covariance }, i) => {
    const residual = unseen[i];
    return residual && Math.hypot(...residual) <= gate * pixel ? [{ residual, covariance }] : [];
  });
  return estimateNoise(residuals, pixel);
}

function evidenceOf(
  solution: Solution,
  fitted: readonly FoundMatch[],
  unseen: readonly FoundMatch[],
  points: readonly TiePoint[],
  frame: Frame,
): Evidence {
  const { map, gate, kind } = solution;
  const pixel = pixelOf(frame.grid);
  const share = shareWithin(gate, frame.search);
  const agreeing = fitted.filter((match) => Math.hypot(...residualOf(map, match)) <= gate * pixel);
  const distances = unseen.map((match) => Math.hypot(...residualOf(map, match)) / pixel).filter((each) => each <= gate);
  return {
    ...{ points: fitted.length, agreeing: agreeing.length, gate },
    luck: luckOf(kind, fitted.length, agreeing.length, share),
    ...{ heldOut: unseen.length, confirmed: distances.length },
    heldOutLuck: logTail(unseen.length, distances.length, share),
    ce90:
      distances.length < CE90_POINTS
        ? undefined
        : quantile(
            distances.sort((a, b) => a - b),
            0.9,
          ),
    spread: spreadOf(agreeing, points),
    ...{ corner: solution.corner, lean: solution.lean },
    second: secondOf(solution, fitted, points, frame),
  };
}

/** Least extent of some cells over that of all: roots of the eigenvalues of their scatter. */
function spreadOf(agreeing: readonly FoundMatch[], points: readonly TiePoint[]): number {
  const [some] = extentsOf(agreeing.map(({ point }) => point.sarGround));
  const [all] = extentsOf(points.map(({ sarGround }) => sarGround));
  return all > 0 ? some / all : 1;
}

/** Standard deviations of positions along the directions in which they are least and most. */
function extentsOf(positions: readonly GroundPosition[]): [least: number, most: number] {
  const mean = (of: (position: GroundPosition) => number) =>
    positions.reduce((sum, each) => sum + of(each), 0) / positions.length;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  const [xx, yy] = [mean(([x]) => (x - mx) ** 2), mean(([, y]) => (y - my) ** 2)];
  const xy = mean(([x, y]) => (x - mx) * (y - my));
  const [half, root] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
  return [Math.sqrt(Math.max(0, half - root)), Math.sqrt(half + root)];
}

/** Corners of the rectangle round all cells. */
function cornersOf(points: readonly TiePoint[]): GroundPosition[] {
  const [xs, ys] = [points.map(({ sarGround: [x] }) => x), points.map(({ sarGround: [, y] }) => y)];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}

/** Largest distance of two maps at the corners, in units of the ground. */
const apart = (a: PlaneMap, b: PlaneMap, corners: readonly GroundPosition[]) =>
  Math.max(
    ...corners.map((corner) => {
      const [[ax, ay], [bx, by]] = [mapPoint(a, corner), mapPoint(b, corner)];
      return Math.hypot(ax - bx, ay - by);
    }),
  );

/** Blocks along the side of the scene that are resampled. */
const BLOCKS = 5;

/** Matches by blocks of the scene: terrain displaces neighbours alike, so that they are no evidence of their own. */
function blocksAmong(matches: readonly FoundMatch[]): FoundMatch[][] {
  const side = Math.ceil((1 + Math.max(...matches.map(({ cell }) => Math.max(cell.column, cell.row)))) / BLOCKS);
  const blocks = new Map<string, FoundMatch[]>();
  blocksOf(matches, side).forEach((name, i) => {
    blocks.set(name, [...(blocks.get(name) ?? []), matches[i]!]);
  });
  return [...blocks.values()];
}

/** Distance at the corners within which 90 % of the fits to resampled blocks lie, in units of the ground. */
function cornerUncertainty(
  { kind, fit, smoothing }: Climbed,
  agreeing: readonly FoundMatch[],
  corners: readonly GroundPosition[],
  { origin, scale, seed }: Normalisation & { readonly seed: number },
): number {
  const rng = Rng.derive(seed, 'corners');
  const options = { origin, scale, ...(smoothing !== undefined && { smoothing }) };
  const blocks = blocksAmong(agreeing);
  const distances = Array.from({ length: RESAMPLES }, () => {
    const resampled = fitPlane(
      kind,
      blocks.flatMap(() => rng.pick(blocks)),
      options,
    );
    return resampled ? apart(fit.map, resampled, corners) : Number.POSITIVE_INFINITY;
  });
  return quantile(
    distances.sort((a, b) => a - b),
    0.9,
  );
}

/** The other features' own model against the first ones': of the same kind, for a bent model may differ where it has no points. */
function secondOf(
  solution: Solution,
  fitted: readonly FoundMatch[],
  points: readonly TiePoint[],
  frame: Frame,
): Evidence['second'] {
  const matches = frame.second?.filter(isFound).map((point) => matchOf(point, frame.grid));
  if (!matches || matches.length < FEWEST) return undefined;
  const { kind } = solution;
  const corners = cornersOf(points);
  const kinds = isBent(kind) ? MODEL_KINDS.filter((each) => !isBent(each)) : frame.kinds;
  const own = isBent(kind) ? solve(fitted, corners, { ...frame, kinds }) : solution;
  const other = solve(matches, corners, { ...frame, kinds });
  if (!own || !other) return undefined;
  const { pixel, share } = { pixel: pixelOf(frame.grid), share: shareWithin(other.gate, frame.search) };
  const agreeing = matches.filter((match) => Math.hypot(...residualOf(other.map, match)) <= other.gate * pixel).length;
  const luck = luckOf(other.kind, matches.length, agreeing, share);
  return { luck, corner: other.corner, apart: apart(own.map, other.map, corners) / pixel };
}

/** Points with what the model says of them. */
function markPoints(
  points: readonly TiePoint[],
  held: ReadonlySet<number>,
  { transform }: Registration['grid'],
  solution: Solution | undefined,
): TiePoint[] {
  return points.map((point) => {
    if (!isFound(point)) return point;
    const heldOut = held.has(point.id);
    if (!solution) return { ...point, heldOut };
    const residual = pixelsBetween(mapPoint(solution.map, point.opticalGround), point.sarGround, transform);
    const isNear = Math.hypot(residual.column, residual.row) <= solution.gate;
    return {
      ...point,
      heldOut,
      residual,
      covariance: pixelCovariance(point, transform, solution.noise),
      ...(!isNear && { reason: 'off the model' as const }),
    };
  });
}

const pixelsBetween = (a: GroundPosition, b: GroundPosition, transform: readonly number[]) => ({
  column: (a[0] - b[0]) / transform[1]!,
  row: (a[1] - b[1]) / transform[5]!,
});

/** Covariance of a point's offset with the noise that residuals show, in squared pixels. */
function pixelCovariance(point: TiePoint, transform: readonly number[], noise: Noise): Symmetric {
  const [xx, xy, yy] = withNoise(groundCovariance(point, transform), noise);
  const [dx, dy] = [transform[1]!, transform[5]!];
  return [xx / (dx * dx), xy / (dx * dy), yy / (dy * dy)];
}

function groundCovariance({ covariance }: TiePoint, transform: readonly number[]): Symmetric {
  const [cc, cr, rr] = covariance ?? UNKNOWN;
  const [dx, dy] = [transform[1]!, transform[5]!];
  return [cc * dx * dx, cr * dx * dy, rr * dy * dy];
}

const matchOf = (point: Found, { transform }: Registration['grid']): FoundMatch => ({
  ...{ point, cell: point.cell, from: point.opticalGround, to: point.sarGround },
  covariance: groundCovariance(point, transform),
});

/** Side of a pixel of the working grid, in units of the ground. */
const pixelOf = ({ transform }: Registration['grid']) => Math.sqrt(Math.abs(transform[1]! * transform[5]!));

/** Quality at the held-out points that the model's gate admits; how many it does not is one of the verdict's tests. */
function judgeQuality(points: readonly TiePoint[], { grid, seed }: Frame): Registration['quality'] {
  const judging = points.filter(({ heldOut, reason }) => heldOut && reason === 'used');
  const metric = ({ column, row }: { column: number; row: number }) =>
    [column * grid.metres, -row * grid.metres] as const;
  return qualityOf(
    judging.map(({ residual }) => metric(residual!)),
    judging.map((point) => metric(pixelsBetween(point.opticalGround!, point.sarGround, grid.transform))),
    grid.metres,
    seed,
  );
}
