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

/** Patches of one side. */
interface Pair {
  readonly sar: Raster;
  readonly optical: Raster;
}

/** Map of a pair, as of several. */
export async function pairMap(model: Model, sar: Raster, optical: Raster): Promise<TemplateMap> {
  const [map] = await pairMaps(model, [{ sar, optical }]);
  return map!;
}

/**
 * Maps of the correlations that the scores of pairs are made of: of patches of one size at displacements of up to the
 * radius. Place (0, 0) is the optical patch moved by the radius to the upper left; the score takes the peak.
 *
 * @throws UsageError for a matcher without cells. @throws PatchError where a patch cannot be used.
 */
export async function pairMaps(model: Model, pairs: readonly Pair[]): Promise<TemplateMap[]> {
  const { halves, stride } = requireDense(model);
  const { radius } = model.info as ModelInfo & DenseConfig;
  const reach = Math.floor(radius / stride);
  const maps = tf.tidy(() => {
    const cellsOf = (sensor: 'sar' | 'optical') =>
      halves[sensor](tf.concat(pairs.map((pair) => tensorOf(model, sensor, pair[sensor]))));
    return correlateNear(cellsOf('sar'), cellsOf('optical'), reach);
  });
  const values = (await maps.data()) as Float32Array;
  maps.dispose();
  const side = 2 * reach + 1;
  return pairs.map((_, i) => ({
    values: values.slice(i * side * side, (i + 1) * side * side),
    ...{ width: side, height: side, stride, radius: reach * stride },
  }));
}
