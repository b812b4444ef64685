/** Blends of two real patches by weights of cells: what an edit is without a network. */
import type { Raster } from '../raster/raster.ts';
import { isRadarUnit } from '../raster/units.ts';

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

/** Blend of two patches, linear in dB where samples have a radar unit; rounded where the base holds whole numbers. */
export function blended(base: Raster, other: Raster, weights: Float32Array): Raster {
  const isPower = isRadarUnit(base.unit) && base.unit !== 'dB';
  const isWhole = base.data.every((value) => Number.isInteger(value));
  const data = base.data.map((value, i) => {
    const weight = weights[i]!;
    if (weight === 0) return value;
    const donor = other.data[i]!;
    const mixed =
      isPower && value > 0 && donor > 0
        ? value ** (1 - weight) * donor ** weight
        : (1 - weight) * value + weight * donor;
    return isWhole ? Math.round(mixed) : mixed;
  });
  return { ...base, data };
}
