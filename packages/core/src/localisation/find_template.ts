/** The place of a SAR template in an optical scene. */
import type { RasterWindow } from '../raster/window.ts';
import type { Shift } from './consensus.ts';
import { correlationMap } from './correlation.ts';
import { peakOf } from './peak.ts';
import type { SceneFeatures } from './scene_features.ts';

/** Pixels from a peak beyond which another one is its rival. */
const APART = 8;

export interface FoundTemplate {
  /** Place that was found less the template's own place, in pixels: the misalignment of the scenes where it is right. */
  shift: Shift;
  /** (peak − second peak beyond 8 pixels) / standard deviation of the map: templates are ranked by it. */
  ratio: number;
  /** True if the peak lies at the border of the search, and perhaps beyond. */
  isOnRim: boolean;
}

/** @param centre offset of the middle of the search from the template's place. @param search pixels to each side. */
export async function findTemplate(
  template: RasterWindow,
  centre: Shift,
  features: SceneFeatures,
  search: number,
): Promise<FoundTemplate> {
  const { stride } = features;
  const [left, top] = [centre.column - search, centre.row - search];
  const window = {
    ...{ column: template.column + left, row: template.row + top },
    ...{ width: template.width + 2 * search, height: template.height + 2 * search },
  };
  const map = await correlationMap(await features.read('sar', template), await features.read('optical', window));
  const { row, column, ratio, isOnRim } = peakOf(map, APART / stride);
  return { shift: { row: top + row * stride, column: left + column * stride }, ratio, isOnRim };
}
