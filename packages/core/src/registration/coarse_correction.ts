/** The coarse place as a correction of the ground: all that there is to say where too few tie points remain for a fit. */
import type { AffineTransform } from '../raster/raster.ts';
import { applyAffine, composed, inverted, type PixelAffine } from './pixel_affine.ts';
import type { PlaneMap } from './registration.ts';

/** @param place SAR pixel → position by the optical georeference, both in pixels of the grid. */
export function coarseMap(
  { transform, width, height }: { transform: AffineTransform; width: number; height: number },
  place: PixelAffine,
): PlaneMap {
  const [, xx, xy, , yx, yy] = composed(transform, composed(inverted(place), inverted(transform)));
  const middle = applyAffine(place, width / 2, height / 2);
  const [from, to] = [applyAffine(transform, ...middle), applyAffine(transform, width / 2, height / 2)];
  const scale = Math.max(width, height) * Math.abs(transform[1]);
  const isShift = [xx - 1, xy, yx, yy - 1].every((each) => Math.abs(each) < 1e-9);
  return {
    ...{ kind: isShift ? 'shift' : 'similarity', origin: from, scale },
    ...{ x: [to[0], xx * scale, xy * scale], y: [to[1], yx * scale, yy * scale] },
  };
}
