/** Correlation of a template with every place of a window, on the current backend. */
import * as tf from '@tensorflow/tfjs-core';
import { correlate } from '../ops/correlate.ts';
import type { FeatureMap } from './feature_map.ts';

/** Correlations of a template by the row and column of its upper left cell in the window. */
export interface CorrelationMap {
  /** [height, width], in [−1, 1]. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Mean over the template's cells of the scalar products: as vectors have unit length, the normalised cross-correlation.
 *
 * @throws Error where the template does not fit into the window.
 */
export async function correlationMap(template: FeatureMap, window: FeatureMap): Promise<CorrelationMap> {
  const map = tf.tidy(() => correlate(tensorOf(template), tensorOf(window)));
  const [, , height, width] = map.shape; // [1, 1, height, width]
  try {
    return { values: (await map.data()) as Float32Array, height, width };
  } finally {
    map.dispose();
  }
}

const tensorOf = ({ data, height, width, channels }: FeatureMap) => tf.tensor4d(data, [1, height, width, channels]);
