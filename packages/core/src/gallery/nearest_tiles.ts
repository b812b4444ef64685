/**
 * The k tiles whose cells are most like a patch's: exact, by a correlation of each band of tiles on any backend. Of 64 × 64
 * pixels a tile has 64 cells, each of which 64 tiles share.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import { NonFiniteError } from '../errors.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { correlate } from '../ops/correlate.ts';
import type { TileMaps } from './tile_maps.ts';
import { type Ranked, TopK } from './top_k.ts';

export interface NearestOptions {
  k: number;
  /** Leaves out tiles that must not be found; asked of candidates only. */
  isAllowed?: ((tile: number) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Tiles by descending cosine, for each of some patches; equal ones in the order of the gallery.
 *
 * @param patches cells of each, of the tiles' side.
 * @throws NonFiniteError for a patch or a tile that is not finite. @throws the signal's reason when it is aborted.
 */
export async function nearestTiles(
  tiles: TileMaps,
  patches: readonly FeatureMap[],
  { k, isAllowed, signal }: NearestOptions,
): Promise<Ranked[][]> {
  const best = patches.map(() => new TopK(k));
  const { height, width, channels } = patches[0]!;
  const templates = tf.tidy(() =>
    tf.stack(patches.map(({ data }) => tf.tensor3d(unit(data), [height, width, channels]))),
  ) as tf.Tensor4D;
  try {
    for (const { first, cells, scales } of tiles.bands) {
      await pause(signal);
      const window = tf.tensor4d(cells.data, [1, cells.height, cells.width, channels]);
      const maps = correlate(templates, window); // [q, 1, rows, columns]
      window.dispose();
      const means = await maps.data<'float32'>();
      maps.dispose();
      best.forEach((top, i) => {
        const own = means.subarray(i * scales.length, (i + 1) * scales.length);
        top.add(cosines(own, scales, height * width), first, isAllowed);
      });
    }
  } finally {
    templates.dispose();
  }
  return best.map((top) => top.list());
}

/** Cosines from means of products over the cells of a tile; −∞ where too much of the tile is missing, so that it is not found. */
function cosines(means: Float32Array, scales: Float32Array, cells: number): Float32Array {
  const all = new Float32Array(means.length);
  for (let i = 0; i < all.length; i++) {
    const isMissing = scales[i] === 0 && !Number.isNaN(means[i]);
    all[i] = isMissing ? Number.NEGATIVE_INFINITY : means[i]! * scales[i]! * cells;
  }
  return all;
}

/** @throws NonFiniteError for a vector that has no direction. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (Number.isFinite(length) && length > 0) return vector.map((value) => value / length);
  throw new NonFiniteError({
    ...{ action: 'search the patch', expected: 'a patch with something to see', found: 'no valid cell' },
    remedy: 'Choose another patch.',
  });
}
