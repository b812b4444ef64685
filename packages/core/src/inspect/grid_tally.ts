/**
 * Repeated sampling grids of the SAR patches of each place: rows or columns that nearly repeat, as an enlargement to
 * another projection leaves them. What is made of such patches must repeat as they do, or it is told by that alone.
 */
import type { Raster } from '../raster/raster.ts';
import { differenceProfile, GridFinder, type RepeatedGrid } from '../raster/repeated_grid.ts';

/** Patches of a place that its grid is looked for in. */
const PATCHES = 24;

/** Grid of a place along each axis; null where there is none. */
export interface PlaceGrid {
  rows: RepeatedGrid | null;
  columns: RepeatedGrid | null;
}

export class GridTally {
  private readonly places = new Map<string, { rows: GridFinder; columns: GridFinder; patches: number }>();

  /** @param group place of the patch. */
  add(group: string, { data, width, height, bands, unit }: Raster): void {
    const place = this.places.get(group) ?? { rows: new GridFinder(), columns: new GridFinder(), patches: 0 };
    this.places.set(group, place);
    if (place.patches >= PATCHES || bands !== 1 || width < 16 || height < 16) return;
    place.patches++;
    const values = unit === 'dB' ? data : data.map((value) => (value > 0 ? Math.log(value) : Number.NaN));
    for (const axis of ['rows', 'columns'] as const) place[axis].add(differenceProfile(values, width, height, axis));
  }

  /** Places with a grid along an axis or both, by name. */
  found(): Record<string, PlaceGrid> {
    const grids = [...this.places].map(([group, { rows, columns }]): [string, PlaceGrid] => [
      group,
      { rows: rows.find() ?? null, columns: columns.find() ?? null },
    ]);
    return Object.fromEntries(grids.filter(([, { rows, columns }]) => rows || columns));
  }
}
