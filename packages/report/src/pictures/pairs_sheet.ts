/**
 * Contact sheet of a data set: pairs side by side, SAR left and optical right, in columns. It shows at a glance whether
 * units, bands and alignment are right.
 */

import type { Raster } from '@doppel/core/raster';
import { decode, encode } from 'fast-png';
import { pictureOf } from './picture.ts';

const [GAP, MARGIN] = [2, 16];
const BACKGROUND = 24;
/** Small patches are drawn larger, pixel by pixel. */
const TILE_SIDE = 128;
const COLUMNS = 4;

/** A PNG, 8-bit RGB; pairs go row by row. @param pairs at least one, all of one size. */
export function pairsSheet(pairs: readonly { sar: Raster; optical: Raster }[]): Uint8Array {
  const first = pairs[0];
  if (!first) throw new RangeError('a contact sheet needs a pair');
  const scale = Math.max(1, Math.round(TILE_SIDE / first.sar.width));
  const tile = first.sar.width * scale;
  const columns = Math.min(COLUMNS, pairs.length);
  const rows = Math.ceil(pairs.length / columns);
  const width = MARGIN + columns * (2 * tile + GAP + MARGIN);
  const height = MARGIN + rows * (tile + MARGIN);
  const pixels = new Uint8Array(width * height * 3).fill(BACKGROUND);
  pairs.forEach(({ sar, optical }, i) => {
    const left = MARGIN + (i % columns) * (2 * tile + GAP + MARGIN);
    const top = MARGIN + Math.floor(i / columns) * (tile + MARGIN);
    draw(pixels, width, sar, left, top, scale);
    draw(pixels, width, optical, left + tile + GAP, top, scale);
  });
  return encode({ width, height, data: pixels, channels: 3, depth: 8 });
}

/** Stretched as in reports; no-data stays background. */
function draw(pixels: Uint8Array, sheetWidth: number, raster: Raster, left: number, top: number, scale: number): void {
  const { data, channels, width, height } = decode(pictureOf(raster));
  const opacity = channels - 1;
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      if (data[from + opacity] === 0) continue;
      const to = ((top + y) * sheetWidth + left + x) * 3;
      for (let band = 0; band < 3; band++) pixels[to + band] = data[from + (channels > 2 ? band : 0)]!;
    }
  }
}
