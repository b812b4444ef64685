/** Affine maps of pixels, as six numbers: column′ = a + b·column + c·row, row′ = d + e·column + f·row. */
import type { AffineTransform } from '../raster/raster.ts';

export type PixelAffine = AffineTransform;

export const IDENTITY: PixelAffine = [0, 1, 0, 0, 0, 1];

export const applyAffine = ([a, b, c, d, e, f]: PixelAffine, x: number, y: number): [number, number] => [
  a + b * x + c * y,
  d + e * x + f * y,
];

/** The map that applies `first`, then `second`. */
export function composed(second: PixelAffine, first: PixelAffine): PixelAffine {
  const [a, b, c, d, e, f] = second;
  const [x0, xc, xr, y0, yc, yr] = first;
  return [a + b * x0 + c * y0, b * xc + c * yc, b * xr + c * yr, d + e * x0 + f * y0, e * xc + f * yc, e * xr + f * yr];
}

export function inverted([a, b, c, d, e, f]: PixelAffine): PixelAffine {
  const determinant = b * f - c * e;
  const [ib, ic, ie, iff] = [f / determinant, -c / determinant, -e / determinant, b / determinant];
  return [-(ib * a + ic * d), ib, ic, -(ie * a + iff * d), ie, iff];
}

/** A turn and stretch about a point, then a shift. */
export interface Similarity {
  /** Shift of the point, in pixels. */
  readonly column: number;
  readonly row: number;
  /** Degrees from the column axis towards the row axis: clockwise in an image. */
  readonly rotation: number;
  /** 1 leaves sizes as they are. */
  readonly scale: number;
}

export function similarityAbout([x, y]: readonly [number, number], s: Similarity): PixelAffine {
  const angle = (s.rotation * Math.PI) / 180;
  const [cos, sin] = [s.scale * Math.cos(angle), s.scale * Math.sin(angle)];
  return [x + s.column - cos * x + sin * y, cos, -sin, y + s.row - sin * x - cos * y, sin, cos];
}
