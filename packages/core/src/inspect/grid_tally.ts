/**
 * Repeated sampling grids of the SAR patches of each place: rows or columns that nearly repeat, as an enlargement to
 * another projection leaves them. What is made of such patches must repeat as they do, or it is told by that alone.
 */
import { isMissing } from '../raster/radar_samples.ts';
import type { Raster } from '../raster/raster.ts';
import { GRID_PATCHES, PlaceGridFinder, type RepeatedGrid } from '../raster/repeated_grid.ts';

/** Grid of a place along each axis; null where there is none. */
export interface PlaceGrid {
  rows: RepeatedGrid | null;
  columns: RepeatedGrid | null;
}

export class GridTally {
  private readonly places = new Map<string, PlaceGridFinder>();

  /** @param group place of the patch. */
  add(group: string, raster: Raster): void {
    const { data, width, height, bands, unit } = raster;
    const place = this.places.get(group) ?? new PlaceGridFinder();
    this.places.set(group, place);
    if (place.patches >= GRID_PATCHES || bands !== 1 || width < 16 || height < 16) return;
    const values = data.map((value, i) => {
      if (isMissing(raster, i, unit)) return Number.NaN;
      if (unit === 'dB') return value;
      return value > 0 ? Math.log(value) : Number.NaN;
    });
    place.add(values, width, height);
  }

  /** Places with a grid along an axis or both, by name. */
  found(): Record<string, PlaceGrid> {
    const grids = [...this.places].map(([group, place]): [string, PlaceGrid] => {
      const { rows, columns } = place.find();
      return [group, { rows: rows ?? null, columns: columns ?? null }];
    });
    return Object.fromEntries(grids.filter(([, { rows, columns }]) => rows || columns));
  }
}
