/**
 * Noise of tie points. The covariance of a correlation peak knows its shape, not terrain, movement or the sensors'
 * difference: a residual has the covariance scale × peak's + extra × identity, and both are estimated from residuals of
 * points that the fit had not seen.
 */
import { quantile } from '../base/quantile.ts';
import { mahalanobis, type Symmetric } from './fit_plane.ts';

export interface Noise {
  readonly scale: number;
  /** Variance, in squared units of the ground. */
  readonly extra: number;
}

export interface Residual {
  readonly residual: readonly [dx: number, dy: number];
  /** Covariance that the peak states. */
  readonly covariance: Symmetric;
}

export const withNoise = ([xx, xy, yy]: Symmetric, { scale, extra }: Noise): Symmetric => [
  scale * xx + extra,
  scale * xy,
  scale * yy + extra,
];

/** Squared radius, in standard deviations, of the ellipse that holds 90 % of a normal distribution of the plane. */
export const ELLIPSE_90 = -2 * Math.log(1 - 0.9);

const SCALES = [1 / 16, 1 / 4, 1, 4, 16];
/** Steps of the extra variance over that of all residuals. */
const EXTRAS = Array.from({ length: 21 }, (_, i) => 0.01 * 1.3 ** i);
/** Residuals below which a quantile of them says little. */
const FEW = 10;

/**
 * The likeliest noise, then enlarged or reduced so that 90 % of the residuals lie within their 90 % ellipse.
 *
 * @param pixel side of a pixel of the working grid, in units of the ground. Default noise without residuals: one pixel.
 */
export function estimateNoise(residuals: readonly Residual[], pixel: number): Noise {
  if (residuals.length === 0) return { scale: 1, extra: pixel * pixel };
  const variance = residuals.reduce((sum, { residual: [x, y] }) => sum + (x * x + y * y) / 2, 0) / residuals.length;
  const floor = (0.05 * pixel) ** 2;
  let best: Noise = { scale: 1, extra: Math.max(floor, variance) };
  let most = likelihood(residuals, best);
  for (const scale of SCALES) {
    for (const part of EXTRAS) {
      const noise = { scale, extra: Math.max(floor, part * variance) };
      const found = likelihood(residuals, noise);
      if (found > most) [best, most] = [noise, found];
    }
  }
  if (residuals.length < FEW) return best;
  const lengths = residuals.map(({ residual, covariance }) => mahalanobis(residual, withNoise(covariance, best)));
  const share = Math.min(1, 0.9 * (1 + 1 / lengths.length)); // of one more residual, as of those to come
  const factor = quantile(Float64Array.from(lengths).sort(), share) / ELLIPSE_90;
  return { scale: best.scale * factor, extra: Math.max(floor, best.extra * factor) };
}

/** Logarithm of the likelihood, but for a constant. */
function likelihood(residuals: readonly Residual[], noise: Noise): number {
  return residuals.reduce((sum, { residual, covariance }) => {
    const [xx, xy, yy] = withNoise(covariance, noise);
    return sum - 0.5 * (Math.log(xx * yy - xy * xy) + mahalanobis(residual, [xx, xy, yy]));
  }, 0);
}

/** Gates in pixels: the mixture below may not call everything right, nor nothing. */
const GATES = [2, 5] as const;
const ROUNDS = 30;

/**
 * Gate in pixels at which a match is as likely right as wrong: right ones are normal around the map, wrong ones anywhere
 * in the search; share and variance of the right ones by expectation maximisation.
 *
 * @param distances from the map, in pixels. @param search half a side of the window, in pixels.
 */
export function gateOf(distances: readonly number[], search: number): number {
  const anywhere = 1 / (2 * search + 1) ** 2;
  let [share, variance] = [0.5, 2];
  const density = (squared: number) => (share / (2 * Math.PI * variance)) * Math.exp(-squared / (2 * variance));
  for (let round = 0; round < ROUNDS; round++) {
    const right = distances.map((d) => density(d * d) / (density(d * d) + (1 - share) * anywhere));
    const total = right.reduce((sum, each) => sum + each, 0);
    if (total < 1) break;
    variance = Math.max(0.05, right.reduce((sum, each, i) => sum + each * distances[i]! ** 2, 0) / (2 * total));
    share = Math.min(0.99, total / distances.length);
  }
  const squared = 2 * variance * Math.log(share / (2 * Math.PI * variance * (1 - share) * anywhere));
  return Math.min(GATES[1], Math.max(GATES[0], Math.sqrt(Math.max(0, squared))));
}
