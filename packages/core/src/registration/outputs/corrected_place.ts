/** Georeference of a moved file after its correction: the same pixels on the ground of the file that stays. */

import { FormatError } from '../../errors.ts';
import type { PixelMap, Point } from '../../geo/pixel_map.ts';
import { type Located, mapOf } from '../../geo/place.ts';
import { referenceSystem, transformBetween } from '../../geo/reference_system.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import { invertPoint, latticeOf, mapPoint, nearestAffine } from '../plane_map.ts';
import type { Correction, GroundPosition } from '../registration.ts';
import type { Side } from './moved.ts';

/** Place of a file by a map, in its own reference system. */
export interface CorrectedPlace extends Located {
  readonly crs: string;
  readonly fitted: PixelMap;
}

/** @param name of the file, for messages. @throws FormatError for a file without a georeference. */
export function correctedPlace(file: Located, correction: Correction, side: Side, name: string): CorrectedPlace {
  const own = mapOf(file);
  if (!own || file.crs === undefined) throw noPlace(name);
  const [there, back] = [
    transformBetween(file.crs, correction.crs, name),
    transformBetween(correction.crs, file.crs, name),
  ];
  const { map } = correction;
  const [correct, undo] = side === 'optical' ? [mapPoint, invertPoint] : [invertPoint, mapPoint];
  const { period } = referenceSystem(file.crs, name);
  const [middle] = own.toGround(file.width / 2, file.height / 2);
  /** Turns round the Earth between a place and the middle of the file. */
  const turnsOf = (x: number) => (period === undefined ? 0 : Math.round((x - middle) / period));
  const nearMiddle = ([x, y]: GroundPosition): Point => [x - turnsOf(x) * (period ?? 0), y];
  const fitted: PixelMap = {
    toGround: (column, row) => nearMiddle(back(...correct(map, there(...own.toGround(column, row))))),
    toPixel(x, y) {
      const [ownX, ownY] = nearMiddle(back(...undo(map, there(...nearMiddle([x, y])))));
      return own.toPixel(ownX + turnsOf(x) * (period ?? 0), ownY);
    },
  };
  return { width: file.width, height: file.height, crs: file.crs, fitted };
}

function noPlace(name: string): FormatError {
  return new FormatError({
    ...{ action: 'correct the georeference of', file: name, expected: 'a reference system and a transform' },
    found: 'none',
    remedy: 'A correction is one of the ground: give the file the georeference of the scene that was registered.',
  });
}

export interface NearestTransform {
  readonly transform: AffineTransform;
  /** Largest distance from the map in pixels of the file. */
  readonly error: number;
}

/** Affine transform that is nearest to a place by a map. */
export function nearestTransform({ width, height, fitted }: CorrectedPlace): NearestTransform {
  const from = latticeOf([0, 0, width, height]);
  const to = from.map(([column, row]) => fitted.toGround(column, row));
  const [a0, a1, a2, a3, a4, a5] = nearestAffine(from, to)!;
  const determinant = a1 * a5 - a2 * a4;
  const errors = from.map(([column, row], i) => {
    const [dx, dy] = [to[i]![0] - a0 - a1 * column - a2 * row, to[i]![1] - a3 - a4 * column - a5 * row];
    return Math.hypot(a5 * dx - a2 * dy, a1 * dy - a4 * dx) / Math.abs(determinant);
  });
  return { transform: [a0, a1, a2, a3, a4, a5], error: Math.max(...errors) };
}
