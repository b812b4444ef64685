/** Repeated sampling grids by place, found in the patches of a data set and kept. */
import { GRID_PATCHES, PlaceGridFinder } from '../../raster/repeated_grid.ts';
import type { GridFrequencies } from './speckle.ts';

interface PlacedPatches {
  records: readonly { group: string; sar: string }[];
  /** Prepared SAR patch of a record, NaN where samples are missing. */
  sar(index: number): Float32Array | Promise<Float32Array>;
  side: number;
}

export class SceneGrids {
  private readonly source: PlacedPatches;
  private readonly found = new Map<string, Promise<GridFrequencies>>();
  private members: Map<string, number[]> | undefined;

  constructor(source: PlacedPatches) {
    this.source = source;
  }

  /** Grid of the place of a record. */
  of(record: number): Promise<GridFrequencies> {
    const { group } = this.source.records[record]!;
    const known = this.found.get(group) ?? this.find(group);
    this.found.set(group, known);
    return known;
  }

  private async find(group: string): Promise<GridFrequencies> {
    const members = this.membersOf(group);
    const every = Math.max(1, Math.floor(members.length / GRID_PATCHES));
    const place = new PlaceGridFinder();
    const { side, sar } = this.source;
    for (const record of members.filter((_, i) => i % every === 0).slice(0, GRID_PATCHES)) {
      place.add(await sar(record), side, side);
    }
    const { rows, columns } = place.find();
    return { rows: rows?.frequency, columns: columns?.frequency };
  }

  /** One record of each SAR patch of a place. */
  private membersOf(group: string): number[] {
    this.members ??= byGroup(this.source.records);
    return this.members.get(group) ?? [];
  }
}

function byGroup(records: PlacedPatches['records']): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  const seen = new Set<string>();
  records.forEach(({ group, sar }, index) => {
    if (seen.has(sar)) return;
    seen.add(sar);
    const members = groups.get(group) ?? [];
    members.push(index);
    groups.set(group, members);
  });
  return groups;
}
