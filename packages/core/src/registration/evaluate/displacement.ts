/** Known displacements of a georeference: what a registration has to find again. */
import { Rng } from '../../base/random.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import type { GroundPosition } from '../registration.ts';
import type { Level } from './protocol.ts';

/** A turn and stretch about the middle of a scene, then a shift. */
export interface Displacement {
  /** Pixels of the file, to the right and down. */
  readonly column: number;
  readonly row: number;
  /** Degrees, clockwise. */
  readonly rotation: number;
  readonly scale: number;
}

/** Displacement within the bounds of a level, by seed, scene and number of the draw. */
export function drawDisplacement(level: Level, seed: number, scene: string, draw: number): Displacement {
  const rng = Rng.derive(seed, 'displacement', level.name, scene, draw);
  const within = (bound: number) => bound * (2 * rng.float() - 1);
  const [column, row] = [within(level.shift), within(level.shift)];
  return { column, row, rotation: within(level.rotation), scale: 1 + within(level.scale) };
}

/** Transform of the file when its ground is displaced. */
export function displacedTransform(
  transform: AffineTransform,
  { width, height }: { width: number; height: number },
  displacement: Displacement,
): AffineTransform {
  const { column, row, rotation, scale } = displacement;
  const [x0, xc, xr, y0, yc, yr] = transform;
  const angle = (rotation * Math.PI) / 180;
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const [mc, mr] = [width / 2, height / 2];
  // Pixel (c, r) comes to lie where the file as it was has pixel A·(c − mc, r − mr) + (mc + column, mr + row).
  const [ac, ar] = [mc + column - cos * mc + sin * mr, mr + row - sin * mc - cos * mr];
  return [
    x0 + xc * ac + xr * ar,
    xc * cos + xr * sin,
    -xc * sin + xr * cos,
    y0 + yc * ac + yr * ar,
    yc * cos + yr * sin,
    -yc * sin + yr * cos,
  ];
}

export const groundOf = ([x0, xc, xr, y0, yc, yr]: AffineTransform, column: number, row: number): GroundPosition => [
  x0 + xc * column + xr * row,
  y0 + yc * column + yr * row,
];
