/** Agreement of a SAR template with every place of an optical window, by the cells of a matcher: what its score is made of. */
import * as tf from '@tensorflow/tfjs-core';
import { type CorrelationMap, correlationMap } from '../localisation/correlation.ts';
import type { DenseConfig } from '../matcher/architectures/dense.ts';
import type { Model, ModelInfo } from '../model.ts';
import { correlateNear } from '../ops/correlate_near.ts';
import type { Raster } from '../raster/raster.ts';
import { denseFeatures, requireDense, tensorOf } from './dense_features.ts';

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

/**
 * Map of the correlations that the score of a pair is made of: of two patches of one side at displacements of up to the
 * radius. Place (0, 0) is the optical patch moved by the radius to the upper left; the score takes the peak.
 *
 * @throws UsageError for a matcher without cells. @throws PatchError where a patch cannot be used.
 */
export async function pairMap(model: Model, sar: Raster, optical: Raster): Promise<TemplateMap> {
  const { halves, stride } = requireDense(model);
  const { radius } = model.info as ModelInfo & DenseConfig;
  const reach = Math.floor(radius / stride);
  const map = tf.tidy(() => {
    const cells = [
      halves.sar(tensorOf(model, 'sar', sar)),
      halves.optical(tensorOf(model, 'optical', optical)),
    ] as const;
    return correlateNear(...cells, reach);
  });
  const values = (await map.data()) as Float32Array;
  map.dispose();
  return { values, width: 2 * reach + 1, height: 2 * reach + 1, stride, radius: reach * stride };
}
