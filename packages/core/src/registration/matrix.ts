/** The one matrix of a registration: pixels of the optical file → pixels of the SAR file. */
import { latticeOf, mapPoint, nearestAffine } from './plane_map.ts';
import type { GroundPosition, PixelPosition, PlaneMap } from './registration.ts';

/** Georeferences of both files. */
export interface PixelGround {
  readonly optical: { readonly width: number; readonly height: number };
  readonly sar: { readonly width: number; readonly height: number };
  /** Ground of an optical pixel, by its file's own georeference. */
  opticalToGround(pixel: PixelPosition): GroundPosition;
  sarToPixel(ground: GroundPosition): PixelPosition;
}

/**
 * 3 × 3, homogeneous: optical georeference, then correction, then SAR georeference, as the best affine map over the
 * ground that both scenes show; undefined where they show none.
 */
export function matrixOf(map: PlaneMap, files: PixelGround): number[][] | undefined {
  const { optical, sar } = files;
  const pairs = latticeOf([0, 0, optical.width, optical.height])
    .map((from) => ({ from, to: files.sarToPixel(mapPoint(map, files.opticalToGround(from))) }))
    .filter(({ to }) => to.every(Number.isFinite));
  const isInside = ([column, row]: PixelPosition) =>
    column >= 0 && row >= 0 && column <= sar.width && row <= sar.height;
  const inside = pairs.filter(({ to }) => isInside(to));
  const used = inside.length >= 9 ? inside : pairs;
  const affine =
    used.length > 0
      ? nearestAffine(
          used.map(({ from }) => from),
          used.map(({ to }) => to),
        )
      : undefined;
  if (!affine) return undefined;
  const [a0, a1, a2, a3, a4, a5] = affine;
  return [
    [a1, a2, a0],
    [a4, a5, a3],
    [0, 0, 1],
  ];
}
