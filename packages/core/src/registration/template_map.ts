/** Agreement of a SAR template with every place of an optical window, by the cells of a matcher: what its score is made of. */
import { type CorrelationMap, correlationMap } from '../localisation/correlation.ts';
import type { DenseConfig } from '../matcher/architectures/dense.ts';
import type { Model, ModelInfo } from '../model.ts';
import type { Raster } from '../raster/raster.ts';
import { denseFeatures } from './dense_features.ts';

export interface TemplateMap extends CorrelationMap {
  /** Pixels between two places. */
  readonly stride: number;
  /** Largest displacement, in pixels, at which the matcher's own score looks for the peak. */
  readonly radius: number;
}

/**
 * Map of the normalised cross-correlation. Place (0, 0) is the upper left corner of the window.
 *
 * @param template SAR, with sides that are multiples of 8. @param window optical, likewise, and no smaller.
 * @throws UsageError for a matcher without cells. @throws PatchError where one cannot be used.
 */
export async function templateMap(model: Model, template: Raster, window: Raster): Promise<TemplateMap> {
  const { of, stride } = denseFeatures(model);
  const map = await correlationMap(await of('sar', template), await of('optical', window));
  return { ...map, stride, radius: (model.info as ModelInfo & DenseConfig).radius };
}
