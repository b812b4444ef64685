/** Blends of two real patches by weights of cells: what an edit is without a network. */
import { isMissing, isPower, roundedAs, statedUnit } from '../raster/radar_samples.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import { blob } from './moves.ts';

/** Pixels along the side of a cell. */
export const CELL_PIXELS = 8;

/** Steepness of the edge of a blob: over a wide one speckle would be averaged away. */
const STEEP = 3;

/** Weights of cells → weights of pixels, linear between the cells' centres and steeper around one half. */
export function enlarged(cells: Float32Array, side: number): Float32Array {
  const across = Math.sqrt(cells.length);
  const places = Array.from({ length: side }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) / CELL_PIXELS - 0.5, 0), across - 1);
    const first = Math.floor(at);
    return { first, second: Math.min(first + 1, across - 1), share: at - first };
  });
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [places[Math.floor(i / side)]!, places[i % side]!];
    const row = (at: number) =>
      (1 - x.share) * cells[at * across + x.first]! + x.share * cells[at * across + x.second]!;
    const weight = (1 - y.share) * row(y.first) + y.share * row(y.second);
    return Math.min(Math.max(STEEP * (weight - 0.5) + 0.5, 0), 1);
  });
}

/**
 * Blend of two patches, linear in dB where samples have a radar unit. The base keeps its sample where either is missing;
 * where it holds whole numbers, samples are rounded.
 *
 * @param source unit of samples that do not say theirs.
 */
export function blended(base: Raster, other: Raster, weights: Float32Array, source: Unit): Raster {
  const unit = statedUnit(base, source);
  const data = base.data.map((value, i) => {
    const weight = weights[i]!;
    if (weight === 0 || isMissing(base, i, unit) || isMissing(other, i, unit)) return value;
    const donor = other.data[i]!;
    return isPower(unit) ? value ** (1 - weight) * donor ** weight : (1 - weight) * value + weight * donor;
  });
  return { ...base, data: roundedAs(base, data, unit) };
}

/**
 * The base with a feathered blob of another patch.
 *
 * @param share of the cells that the blob takes. @param unit of samples that do not say theirs.
 */
export function withBlob(
  base: Raster,
  other: Raster,
  { share, unit, draw }: { share: number; unit: Unit; draw: { seed: number; offset: number } },
): Raster {
  const cells = blob(Math.max(1, Math.ceil(base.width / CELL_PIXELS)), share, draw);
  return blended(base, other, enlarged(cells, base.width), unit);
}
