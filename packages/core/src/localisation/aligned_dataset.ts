/**
 * A data set as its repaired alignment sees it: the optical patch of a pair is read where the ground of its SAR patch is
 * found, not where the scene's georeference says. Pairs, places and SAR patches stay as they are.
 */
import type { Dataset } from '../dataset/dataset.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Shift } from './consensus.ts';

/** @param shifts of scenes by id, rounded to whole pixels here. What a scene does not cover is missing. */
export function alignedDataset(dataset: Dataset, shifts: ReadonlyMap<string, Shift>): Dataset {
  const sizes = new Map(dataset.scenes.map((scene) => [scene.id, scene]));
  return {
    ...dataset,
    async readOptical(index) {
      const { window } = dataset.records[index]!;
      const shift = window && shifts.get(window.scene);
      const scene = window && sizes.get(window.scene);
      if (!scene || !shift) return dataset.readOptical(index);
      const [column, row] = [window.column + Math.round(shift.column), window.row + Math.round(shift.row)];
      const { side } = dataset.header;
      const wanted = { column, row, width: side, height: side };
      const inside = insideOf(wanted, scene);
      return embedded(await dataset.readWindow(scene.id, 'optical', inside), inside, wanted);
    },
  };
}

export function insideOf({ column, row, width, height }: RasterWindow, scene: { width: number; height: number }) {
  const [left, top] = [Math.max(0, column), Math.max(0, row)];
  const [right, bottom] = [Math.min(scene.width, column + width), Math.min(scene.height, row + height)];
  return { column: left, row: top, width: right - left, height: bottom - top };
}

/** A raster within a larger window, whose other pixels are missing. */
export function embedded(raster: Raster, inside: RasterWindow, wanted: RasterWindow): Raster {
  const { width, height } = wanted;
  if (inside.width === width && inside.height === height) return raster;
  const { bands } = raster;
  const data = new Float32Array(width * height * bands).fill(Number.NaN);
  const noData = new Uint8Array(width * height).fill(1);
  for (let y = 0; y < inside.height; y++) {
    const to = (inside.row - wanted.row + y) * width + inside.column - wanted.column;
    const from = y * inside.width;
    data.set(raster.data.subarray(from * bands, (from + inside.width) * bands), to * bands);
    for (let x = 0; x < inside.width; x++) noData[to + x] = raster.noData?.[from + x] ?? 0;
  }
  return { data, width, height, bands, unit: raster.unit, noData };
}
