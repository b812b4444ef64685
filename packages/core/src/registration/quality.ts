/** Errors at points that no fit has seen, with 90 % intervals by resampling the points. */
import { quantile } from '../base/quantile.ts';
import { bootstrap } from '../evaluation/bootstrap.ts';
import type { Interval, Quality, QualityFigures } from './registration.ts';

/** Residual of a held-out point in metres: east and north. */
export type MetricResidual = readonly [east: number, north: number];

const LEVEL = 0.9;

/** Held-out points below which their CE90 is no check: the radius that holds 90 % of four is that of the worst. */
export const CE90_POINTS = 5;

/** @param metres of a pixel of the working grid. @returns undefined with fewer than two points: nothing can be said then. */
export function qualityOf(
  after: readonly MetricResidual[],
  before: readonly MetricResidual[],
  metres: number,
  seed: number,
): Quality | undefined {
  if (after.length < 2) return undefined;
  const { intervals } = bootstrap(after.length, (timesDrawn) => figuresOf(repeated(after, timesDrawn)), {
    level: LEVEL,
    seed,
  });
  return {
    ...{ unit: 'm', pixel: metres, heldOut: after.length },
    ...figuresOf(after),
    before: figuresOf(before),
    intervals: intervals as Record<keyof QualityFigures, Interval>, // defined for two points and more
  };
}

function repeated<T>(items: readonly T[], timesDrawn: Uint32Array): T[] {
  const drawn: T[] = [];
  for (const [i, item] of items.entries()) for (let k = 0; k < timesDrawn[i]!; k++) drawn.push(item);
  return drawn;
}

/** CE90 is the radius that holds 90 % of the points, whatever their distribution. */
export function figuresOf(residuals: readonly MetricResidual[]): QualityFigures {
  const mean = (of: (residual: MetricResidual) => number) =>
    residuals.reduce((sum, residual) => sum + of(residual), 0) / residuals.length;
  const radii = residuals.map(([x, y]) => Math.hypot(x, y)).sort((a, b) => a - b);
  return {
    biasX: mean(([x]) => x),
    biasY: mean(([, y]) => y),
    rmseX: Math.sqrt(mean(([x]) => x * x)),
    rmseY: Math.sqrt(mean(([, y]) => y * y)),
    ce90: quantile(radii, 0.9),
  };
}
