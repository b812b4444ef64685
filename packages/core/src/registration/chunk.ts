/** Features of both sensors over a part of the working grid, from which templates and windows are cut. */
import { cropFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import type { RasterWindow } from '../raster/window.ts';

/** Features over a window of the frame; places are in its pixels. */
export interface Patchwork {
  readonly window: RasterWindow;
  readonly map: FeatureMap;
  readonly stride: number;
}

/** Features of a window whose corner is on the stride; undefined where it leaves what is there. */
export function cut({ window, map, stride }: Patchwork, wanted: RasterWindow): FeatureMap | undefined {
  const [column, row] = [(wanted.column - window.column) / stride, (wanted.row - window.row) / stride];
  const [width, height] = [wanted.width / stride, wanted.height / stride];
  const isInside = column >= 0 && row >= 0 && column + width <= map.width && row + height <= map.height;
  return isInside ? cropFeatures(map, column, row, width, height) : undefined;
}

/** Share of the cells that are known. */
export function knownShare({ data, channels, width, height }: FeatureMap): number {
  let known = 0;
  for (let at = 0; at < data.length; at += channels) if (data[at] !== 0 || data[at + 1] !== 0) known++;
  return known / (width * height);
}
