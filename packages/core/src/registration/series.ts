/**
 * Judges a series of scenes of one place: how far each lies off its reference, and steps in time, as after a change of the
 * processor that made the scenes.
 */
import { metresPerUnit } from './metres_per_unit.ts';
import type { Registration } from './registration.ts';

/** Offset of a scene in metres, east and north, with standard errors. */
export interface SeriesEntry {
  readonly id: string;
  /** ISO 8601: entries are ordered by it. */
  readonly date: string;
  readonly bias: readonly [east: number, north: number];
  readonly error: readonly [east: number, north: number];
}

export interface JudgedScene extends SeriesEntry {
  /** `uncertain`: the interval of the bias lies neither within the tolerance nor beyond it. */
  readonly verdict: 'aligned' | 'biased' | 'uncertain';
}

export interface SeriesStep {
  /** Last scene before and first scene after the step. */
  readonly from: string;
  readonly to: string;
  readonly date: string;
  /** Difference of the medians after and before, in metres. */
  readonly step: readonly [east: number, north: number];
}

export interface JudgedSeries {
  readonly scenes: readonly JudgedScene[];
  readonly steps: readonly SeriesStep[];
  /** Median bias of all scenes in metres; absent where there is none. */
  readonly median?: readonly [east: number, north: number] | undefined;
}

/** Standard errors of a 90 % interval. */
const LEVEL = 1.645;
/** Standard deviations of the noise that a step must exceed. */
const CLEAR = 3;
/** Scenes at least on either side of a step: a single scene is an outlier. */
const SIDE = 2;

/** Offset of the optical scene by its own georeference at the points that judge; undefined with fewer than two. */
export function biasOf({ points, grid }: Registration): Pick<SeriesEntry, 'bias' | 'error'> | undefined {
  const judging = points.filter(({ heldOut, reason, opticalGround }) => heldOut && reason === 'used' && opticalGround);
  if (judging.length < 2) return undefined;
  const metres = metresPerUnit(grid);
  const axes = [0, 1].map((axis) => {
    const values = judging.map((point) => (point.opticalGround![axis]! - point.sarGround[axis]!) * metres[axis]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, error: Math.sqrt(variance / values.length) };
  }) as [{ mean: number; error: number }, { mean: number; error: number }];
  return { bias: [axes[0].mean, axes[1].mean], error: [axes[0].error, axes[1].error] };
}

/** @param tolerance in metres, along either axis. */
export function judgeSeries(entries: readonly SeriesEntry[], tolerance: number): JudgedSeries {
  const ordered = [...entries].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  return {
    scenes: ordered.map((entry) => ({ ...entry, verdict: verdictOn(entry, tolerance) })),
    steps: stepsIn(ordered, noiseOf(ordered), tolerance),
    ...(ordered.length > 0 && { median: medianOf(ordered) }),
  };
}

function verdictOn({ bias, error }: SeriesEntry, tolerance: number): JudgedScene['verdict'] {
  const least = bias.map((value, axis) => Math.abs(value) - LEVEL * error[axis]!);
  const most = bias.map((value, axis) => Math.abs(value) + LEVEL * error[axis]!);
  if (least.some((value) => value > tolerance)) return 'biased';
  return most.every((value) => value <= tolerance) ? 'aligned' : 'uncertain';
}

type Vector = readonly [number, number];

const medianOf = (entries: readonly SeriesEntry[]): Vector => [
  median(entries.map(({ bias: [east] }) => east)),
  median(entries.map(({ bias: [, north] }) => north)),
];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted.length === 0 ? 0 : (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** Noise of one scene along each axis, from differences of neighbours, which steps hardly change. */
function noiseOf(entries: readonly SeriesEntry[]): Vector {
  const along = (axis: 0 | 1) => {
    const differences = entries.slice(1).map(({ bias }, i) => Math.abs(bias[axis] - entries[i]!.bias[axis]));
    const own = median(entries.map(({ error }) => error[axis]));
    return Math.max((1.4826 * median(differences)) / Math.SQRT2, own);
  };
  return [along(0), along(1)];
}

/** Binary segmentation: the clearest step first, then those on either side of it. */
function stepsIn(entries: readonly SeriesEntry[], noise: Vector, tolerance: number): SeriesStep[] {
  let best: { at: number; clearness: number; step: Vector } | undefined;
  for (let at = SIDE; at <= entries.length - SIDE; at++) {
    const [before, after] = [medianOf(entries.slice(0, at)), medianOf(entries.slice(at))];
    const step: Vector = [after[0] - before[0], after[1] - before[1]];
    const share = Math.sqrt(1 / at + 1 / (entries.length - at));
    const clearness = Math.max(
      ...step.map((value, axis) => Math.abs(value) / Math.max(tolerance, CLEAR * noise[axis]! * share)),
    );
    if (clearness > 1 && clearness > (best?.clearness ?? 0)) best = { at, clearness, step };
  }
  if (!best) return [];
  const { at, step } = best;
  const [last, first] = [entries[at - 1]!, entries[at]!];
  return [
    ...stepsIn(entries.slice(0, at), noise, tolerance),
    { from: last.id, to: first.id, date: first.date, step },
    ...stepsIn(entries.slice(at), noise, tolerance),
  ];
}
