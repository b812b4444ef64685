/** Similarity from matches by weighted least squares; turn and stretch only where they are asked for. */
import type { Similarity } from './pixel_affine.ts';

export interface PixelMatch {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly weight: number;
}

export interface Freedom {
  readonly turns: boolean;
  readonly stretches: boolean;
}

/** @param about point whose shift is stated. @returns undefined without weight. */
export function fitSimilarity(
  matches: readonly PixelMatch[],
  about: readonly [number, number],
  { turns, stretches }: Freedom,
): Similarity | undefined {
  const total = matches.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) return undefined;
  const mean = (of: (match: PixelMatch) => number) =>
    matches.reduce((sum, each) => sum + each.weight * of(each), 0) / total;
  const [fx, fy, tx, ty] = [mean((m) => m.from[0]), mean((m) => m.from[1]), mean((m) => m.to[0]), mean((m) => m.to[1])];
  // to − mean = s·e^{iθ}·(from − mean), as complex numbers: the least squares are real and imaginary part of Σ w·to·conj from.
  const real = mean((m) => (m.to[0] - tx) * (m.from[0] - fx) + (m.to[1] - ty) * (m.from[1] - fy));
  const imaginary = mean((m) => (m.to[1] - ty) * (m.from[0] - fx) - (m.to[0] - tx) * (m.from[1] - fy));
  const energy = mean((m) => (m.from[0] - fx) ** 2 + (m.from[1] - fy) ** 2);
  const angle = turns && energy > 0 ? Math.atan2(imaginary, real) : 0;
  const along = real * Math.cos(angle) + imaginary * Math.sin(angle);
  const scale = stretches && energy > 0 ? along / energy : 1;
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const [dx, dy] = [about[0] - fx, about[1] - fy];
  return {
    column: tx + cos * dx - sin * dy - about[0],
    row: ty + sin * dx + cos * dy - about[1],
    rotation: (angle * 180) / Math.PI,
    scale,
  };
}
