/**
 * The tiles of a gallery: squares of a patch's side at every multiple of 8 pixels, numbered through all scenes row by row.
 * Maps of cells are cut into bands of rows, which overlap by a tile, so that scores of one band are in memory at a time.
 */
import type { FeatureMap } from '../localisation/feature_map.ts';
import type { RasterWindow } from '../raster/window.ts';
import { CELL } from './place_cells.ts';

/** Band of rows of a scene. */
export interface TileBand {
  /** Number of the first tile. */
  first: number;
  scene: number;
  /** Cells of the band, [1, rows + n − 1, width, channels]. */
  cells: FeatureMap;
  /** Tiles in a row, and rows of tiles. */
  columns: number;
  rows: number;
  /** 1 / length of the cells of each tile as one vector; 0 for a tile of which more than half is missing. [rows, columns] */
  scales: Float32Array;
}

/** Tiles in a band, about. */
const BAND = 2 ** 18;

export class TileMaps {
  /** Patch side in pixels. */
  readonly side: number;
  readonly bands: readonly TileBand[];
  readonly count: number;
  /** Number of the first tile of each scene, and tiles in a row of it. */
  private readonly scenes: { first: number; columns: number }[] = [];

  /**
   * @param maps cells of each scene; one smaller than a tile has none. @param side of patches, a multiple of 8.
   * @param band tiles of which scores are in memory at a time, about.
   */
  constructor(maps: readonly FeatureMap[], side: number, band = BAND) {
    this.side = side;
    const n = side / CELL;
    const bands: TileBand[] = [];
    let first = 0;
    maps.forEach((map, scene) => {
      const [columns, rows] = [Math.max(0, map.width - n + 1), Math.max(0, map.height - n + 1)];
      this.scenes.push({ first, columns });
      if (columns === 0 || rows === 0) return;
      const most = Math.max(1, Math.floor(band / columns));
      for (let row = 0; row < rows; row += most) {
        const tall = Math.min(most, rows - row);
        const cells = rowsOf(map, row, tall + n - 1);
        bands.push({ first: first + row * columns, scene, cells, columns, rows: tall, scales: scalesOf(cells, n) });
      }
      first += columns * rows;
    });
    this.bands = bands;
    this.count = first;
  }

  /** Scene and window of a tile. */
  placeOf(tile: number): { scene: number; window: RasterWindow } {
    let [low, high] = [0, this.scenes.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.scenes[middle]!.first <= tile) low = middle;
      else high = middle - 1;
    }
    const { first, columns } = this.scenes[low]!;
    const [row, column] = [Math.floor((tile - first) / columns), (tile - first) % columns];
    const { side } = this;
    return { scene: low, window: { column: column * CELL, row: row * CELL, width: side, height: side } };
  }
}

/** Rows of a map, in its own memory. */
const rowsOf = ({ data, width, channels }: FeatureMap, row: number, height: number): FeatureMap => ({
  ...{ width, height, channels },
  data: data.subarray(row * width * channels, (row + height) * width * channels),
});

/** Share of cells that must be known. */
const KNOWN = 0.5;

/** 1 / length of each n × n tile, by sums over rows and then over columns. */
function scalesOf({ data, width, height, channels }: FeatureMap, n: number): Float32Array {
  const [energy, known] = [new Float64Array(width * height), new Float64Array(width * height)];
  for (let cell = 0; cell < energy.length; cell++) {
    let sum = 0;
    for (let k = 0; k < channels; k++) sum += data[cell * channels + k]! ** 2;
    energy[cell] = sum;
    known[cell] = sum > 0 ? 1 : 0;
  }
  const [energies, counts] = [boxSums(energy, width, height, n), boxSums(known, width, height, n)];
  return Float32Array.from(energies, (sum, i) => (counts[i]! >= KNOWN * n * n ? 1 / Math.sqrt(sum) : 0));
}

/** Sums over n × n boxes, [height − n + 1, width − n + 1]. */
function boxSums(values: Float64Array, width: number, height: number, n: number): Float64Array {
  const columns = width - n + 1;
  const across = new Float64Array(height * columns);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += values[row * width + column + k]!;
      across[row * columns + column] = sum;
    }
  }
  const sums = new Float64Array((height - n + 1) * columns);
  for (let i = 0; i < sums.length; i++) {
    for (let k = 0; k < n; k++) sums[i]! += across[i + k * columns]!;
  }
  return sums;
}
