/**
 * Robust fit of a map to matches of which many are wrong: LO-RANSAC. Maps through random minimal samples are scored by
 * truncated squared residuals, and each best one is fitted again to all matches near it, weighted by their covariances.
 * After Chum, Matas and Kittler, Locally Optimized RANSAC (DAGM 2003), and Torr and Zisserman, MLESAC (CVIU 2000).
 */
import type { Rng } from '../base/random.ts';
import { type FitOptions, fitPlane, type Match, MINIMAL } from './fit_plane.ts';
import { mapPoint, slopesOf } from './plane_map.ts';
import type { ModelKind, PlaneMap } from './registration.ts';

export interface RobustOptions extends FitOptions {
  /** Distance within which a match agrees with a map, in units of the ground. */
  readonly gate: number;
  readonly rng: Rng;
}

export interface RobustFit {
  readonly map: PlaneMap;
  /** Indices of the matches within the gate. */
  readonly inliers: readonly number[];
  /** Sum of squared residuals, each cut off at the squared gate. */
  readonly cost: number;
}

const MAX_TRIALS = 600;
const CONFIDENCE = 0.999;
const ROUNDS = 10;
/** Rounds of a spline, each of which is dear. */
const SPLINE_ROUNDS = 3;
/** Largest deviation of a map's slopes from those of the identity; beyond it a sample lies on a line. */
const STEEP = 0.3;

/** Models that are found by random samples; the others are bent out of the last. */
export type StiffKind = Exclude<ModelKind, 'quadratic' | 'spline'>;

/** Undefined where no map of the kind has more matches near it than those that determine it. */
export function robustFit(kind: StiffKind, matches: readonly Match[], options: RobustOptions): RobustFit | undefined {
  const minimal = MINIMAL[kind];
  let best: RobustFit | undefined;
  let trials = kind === 'shift' ? Math.min(MAX_TRIALS, matches.length) : MAX_TRIALS;
  for (let trial = 0; trial < trials; trial++) {
    const sample =
      kind === 'shift' && matches.length <= MAX_TRIALS ? [trial] : sampleOf(matches.length, minimal, options.rng);
    const start = fitPlane(
      kind,
      sample.map((i) => matches[i]!),
      options,
    );
    if (!start || isSteep(start)) continue;
    const found = scored(start, matches, options.gate);
    if (best && found.cost >= best.cost) continue;
    best = refined(kind, matches, found, options);
    if (kind !== 'shift') trials = Math.min(trials, trialsFor(best.inliers.length / matches.length, minimal));
  }
  return best && best.inliers.length > minimal ? best : undefined;
}

/** Bends an affine fit: matches that a bent map reaches lie near the affine one. */
export function bentFit(
  kind: Exclude<ModelKind, StiffKind>,
  affine: RobustFit,
  matches: readonly Match[],
  options: FitOptions & { readonly gate: number },
): RobustFit | undefined {
  const wide = refined(kind, matches, scored(affine.map, matches, 2 * options.gate), {
    ...options,
    gate: 2 * options.gate,
  });
  const found = refined(kind, matches, scored(wide.map, matches, options.gate), options);
  return found.map.kind === kind ? found : undefined;
}

/** Fits again to the matches within the gate for as long as that lowers the cost. */
export function refined(
  kind: ModelKind,
  matches: readonly Match[],
  start: RobustFit,
  options: FitOptions & { readonly gate: number },
): RobustFit {
  let best = start;
  for (let round = 0; round < (kind === 'spline' ? SPLINE_ROUNDS : ROUNDS); round++) {
    const map = fitPlane(
      kind,
      best.inliers.map((i) => matches[i]!),
      options,
    );
    if (!map || isSteep(map)) return best;
    const found = scored(map, matches, options.gate);
    const isBetter = found.cost < best.cost * (1 - 1e-9) || best.map.kind !== kind;
    if (!isBetter) return best;
    best = found;
  }
  return best;
}

export function scored(map: PlaneMap, matches: readonly Match[], gate: number): RobustFit {
  const inliers: number[] = [];
  let cost = 0;
  matches.forEach((match, i) => {
    const [dx, dy] = residualOf(map, match);
    const squared = dx * dx + dy * dy;
    if (squared <= gate * gate) inliers.push(i);
    cost += Math.min(squared, gate * gate);
  });
  return { map, inliers, cost };
}

/** Position that the map gives a match, less its own, in units of the ground. */
export function residualOf(map: PlaneMap, { from, to }: Pick<Match, 'from' | 'to'>): [dx: number, dy: number] {
  const [x, y] = mapPoint(map, from);
  return [x - to[0], y - to[1]];
}

function isSteep(map: PlaneMap): boolean {
  const [xx, xy, yx, yy] = slopesOf(map, map.origin);
  return ![xx - 1, xy, yx, yy - 1].every((slope) => Math.abs(slope) <= STEEP);
}

/** Different indices below `count`. */
function sampleOf(count: number, size: number, rng: Rng): number[] {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(size, count)) chosen.add(rng.int(count));
  return [...chosen];
}

/** Trials after which a sample without a wrong match has been drawn, as good as surely. */
const trialsFor = (share: number, size: number) =>
  Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - Math.min(0.999, share ** size)));
