/** Window of a grid read strip by strip, so that a picture of a large scene at reduced resolution needs bounded memory. */
import type { Raster } from '../raster/raster.ts';
import type { PixelWindow } from './grid.ts';
import type { GridReader } from './grid_reader.ts';

/** File samples that are in memory together. */
const STRIP_SAMPLES = 2 ** 24;

/** @throws as `GridReader.read`. */
export async function readStrips(reader: GridReader, window: PixelWindow, signal?: AbortSignal): Promise<Raster> {
  const { column, row, width, height } = window;
  const cost = reader.costOf(window);
  const rows = Math.max(1, Math.floor((height * STRIP_SAMPLES) / Math.max(cost, STRIP_SAMPLES)));
  const strips: Raster[] = [];
  for (let at = 0; at < height; at += rows) {
    signal?.throwIfAborted();
    strips.push(await reader.read({ column, row: row + at, width, height: Math.min(rows, height - at) }, signal));
  }
  return strips.length === 1 ? strips[0]! : stacked(strips, width, height);
}

function stacked(strips: readonly Raster[], width: number, height: number): Raster {
  const { bands, unit } = strips[0]!;
  const data = new Float32Array(width * height * bands);
  const noData = new Uint8Array(width * height);
  let pixel = 0;
  for (const strip of strips) {
    data.set(strip.data, pixel * bands);
    if (strip.noData) noData.set(strip.noData, pixel);
    pixel += strip.width * strip.height;
  }
  return { ...{ data, width, height, bands, unit }, ...(noData.includes(1) && { noData }) };
}
