/**
 * Contact sheet of mined negatives: one row for each negative, with the anchor's optical patch, its true SAR
 * patch and the mined SAR patch. Good negatives look alike (docks and docks, fields and fields) and show another place;
 * where the last two show the same place, the guard was too narrow or the data hold a place twice.
 */

import type { Raster } from '@doppel/core/raster';
import { decode, encode } from 'fast-png';
import { pictureOf } from './picture.ts';

/** Reader of the patches of a data set; `Dataset` is one. */
export interface RasterSource {
  readSar(index: number): Promise<Raster>;
  readOptical(index: number): Promise<Raster>;
}

/** A SAR patch with an optical one, by index into the source. */
export interface Shown {
  sar: number;
  optical: number;
}

/** The hardest negatives by the matcher's probability, one for each anchor. */
export function hardestNegatives<T extends Shown & { probability: number }>(
  negatives: readonly T[],
  count: number,
): T[] {
  const seen = new Set<number>();
  return negatives
    .toSorted((a, b) => b.probability - a.probability || a.optical - b.optical || a.sar - b.sar)
    .filter(({ optical }) => !seen.has(optical) && seen.add(optical))
    .slice(0, count);
}

const TILES = 3;
/** Rows are set in columns side by side, so that the sheet is about as wide as high. */
const COLUMNS = 3;
const [GAP, MARGIN] = [4, 20];
/** Small patches are drawn larger, pixel by pixel. */
const TILE_SIDE = 128;
const BACKGROUND = 24;

/** A PNG, 8-bit RGB; negatives go down the columns, left to right. */
export async function negativesSheet(source: RasterSource, negatives: readonly Shown[]): Promise<Uint8Array> {
  const rows = Math.ceil(negatives.length / COLUMNS);
  const columns = Math.ceil(negatives.length / rows);
  let sheet: Sheet | undefined;
  for (const [i, { sar, optical }] of negatives.entries()) {
    const rasters = [await source.readOptical(optical), await source.readSar(optical), await source.readSar(sar)];
    sheet ??= new Sheet(columns, rows, rasters[0]!);
    for (const [tile, raster] of rasters.entries()) sheet.draw(raster, Math.floor(i / rows), i % rows, tile);
  }
  if (!sheet) throw new RangeError('a contact sheet needs a negative');
  return sheet.png();
}

class Sheet {
  private readonly width: number;
  private readonly height: number;
  private readonly scale: number;
  private readonly tileWidth: number;
  private readonly tileHeight: number;
  private readonly pixels: Uint8Array;

  constructor(columns: number, rows: number, patch: Raster) {
    this.scale = Math.max(1, Math.floor(TILE_SIDE / patch.width));
    this.tileWidth = patch.width * this.scale;
    this.tileHeight = patch.height * this.scale;
    this.width = MARGIN + columns * (TILES * (this.tileWidth + GAP) - GAP + MARGIN);
    this.height = MARGIN + rows * (this.tileHeight + MARGIN);
    this.pixels = new Uint8Array(this.width * this.height * 3).fill(BACKGROUND);
  }

  draw(raster: Raster, column: number, row: number, tile: number): void {
    const { data, channels, width } = decode(pictureOf(raster));
    const [hasColour, opacity] = [channels > 2, channels - 1];
    const left = MARGIN + column * (TILES * (this.tileWidth + GAP) - GAP + MARGIN) + tile * (this.tileWidth + GAP);
    const top = MARGIN + row * (this.tileHeight + MARGIN);
    for (let y = 0; y < this.tileHeight; y++) {
      for (let x = 0; x < this.tileWidth; x++) {
        const from = (Math.floor(y / this.scale) * width + Math.floor(x / this.scale)) * channels;
        if (data[from + opacity] === 0) continue; // no-data stays background
        const to = ((top + y) * this.width + left + x) * 3;
        for (let band = 0; band < 3; band++) this.pixels[to + band] = data[from + (hasColour ? band : 0)]!;
      }
    }
  }

  png(): Uint8Array {
    return encode({ width: this.width, height: this.height, data: this.pixels, channels: 3, depth: 8 });
  }
}
