/** Logistic regression of labels on scores, by the maximum of the likelihood (Platt, 1999). */
import { momentsOf } from '../base/moments.ts';
import { sigmoid } from '../matcher/calibration.ts';

/**
 * Platt's targets for the labels 0 and 1, 1/(N₋+2) and (N₊+1)/(N₊+2): they keep a fit finite if the scores separate the
 * classes perfectly (Probabilistic Outputs for Support Vector Machines, 1999).
 */
export function targetsOf(labels: ArrayLike<number>): readonly [number, number] {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  return [1 / (labels.length - positives + 2), (positives + 1) / (positives + 2)];
}

/** Score at which the regression gives one half; undefined where higher scores do not speak for the label 1. */
export function evenOdds(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  const { mean, std } = momentsOf(scores);
  if (std === 0) return undefined;
  const targets = targetsOf(labels);
  const points = Array.from(scores, (score, i) => ({
    x: (score - mean) / std,
    target: targets[labels[i] as 0 | 1],
  }));
  const { slope, offset } = fit(points);
  return slope > 0 ? mean - (std * offset) / slope : undefined;
}

interface Line {
  slope: number;
  offset: number;
}
type Points = readonly { readonly x: number; readonly target: number }[];

/** More steps of Newton's method than it ever takes: near the optimum each doubles the digits. */
const MOST_STEPS = 100;

/** The least Σ log(1 + e^u) − target · u with u = slope · x + offset, which is convex. */
function fit(points: Points): Line {
  let line: Line = { slope: 0, offset: 0 };
  let loss = lossOf(points, line);
  for (let step = 0; step < MOST_STEPS; step++) {
    const along = newtonStep(points, line);
    // Far from the optimum a whole step may overshoot.
    for (let size = 1; ; size /= 2) {
      const next = { slope: line.slope - size * along.slope, offset: line.offset - size * along.offset };
      const nextLoss = lossOf(points, next);
      if (nextLoss < loss) {
        [line, loss] = [next, nextLoss];
        break;
      }
      if (size < 1e-6) return line;
    }
  }
  return line;
}

function lossOf(points: Points, { slope, offset }: Line): number {
  let loss = 0;
  for (const { x, target } of points) {
    const u = slope * x + offset;
    loss += Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))) - target * u;
  }
  return loss;
}

/** Gradient over curvature. */
function newtonStep(points: Points, { slope, offset }: Line): Line {
  let [g, gx, h, hx, hxx] = [0, 0, 0, 0, 0];
  for (const { x, target } of points) {
    const p = sigmoid(slope * x + offset);
    const weight = p * (1 - p);
    g += p - target;
    gx += (p - target) * x;
    h += weight;
    hx += weight * x;
    hxx += weight * x * x;
  }
  const determinant = h * hxx - hx * hx;
  return { slope: (h * gx - hx * g) / determinant, offset: (hxx * g - hx * gx) / determinant };
}
