/** Cells of a matcher as features of a pair of scenes of a data set: the second means of `alignDataset`. */
import { UsageError } from '../errors.ts';
import type { MatcherFeatures } from '../localisation/align_dataset.ts';
import { embedded, insideOf } from '../localisation/aligned_dataset.ts';
import { cropFeatures } from '../localisation/feature_map.ts';
import type { SceneFeatures, ScenePixels } from '../localisation/scene_features.ts';
import type { ViewCount } from '../localisation/square_views.ts';
import type { Model } from '../model.ts';
import { denseFeatures } from './dense_features.ts';
import { featuresOf } from './features.ts';

/** Sides and places of windows in pixels, by which the cells of a matcher do not depend on the window. */
const STEP = 8;

/** Features of a scene by a matcher of the architecture `dense`. @throws UsageError for another one. */
export function matcherFeatures(model: Model, scene: ScenePixels, views: ViewCount = 1): SceneFeatures {
  const kind = denseFeatures(model, views);
  return {
    stride: kind.stride,
    async read(sensor, { column, row, width, height }) {
      const [left, top] = [floorTo(column), floorTo(row)];
      const wide = { column: left, row: top, width: ceilTo(column + width) - left, height: ceilTo(row + height) - top };
      const map = await featuresOf(kind, sensor, (window) => paddedWindow(scene, sensor, window), wide);
      const cells = [column - left, row - top, width, height].map((each) => each / kind.stride);
      return cropFeatures(map, ...(cells as [number, number, number, number]));
    },
  };
}

/**
 * Features of each scene by the first of some matchers that was not trained on it; none, where all were.
 *
 * @throws UsageError where a matcher has no cells.
 */
export function unseenFeatures(models: readonly Model[]): MatcherFeatures {
  for (const model of models) denseFeatures(model); // refuses another architecture before any work
  const trained = models.map(({ info }) => new Set(info.trainedOn.places?.train ?? unknownPlaces()));
  return (scene, pixels) => {
    const model = models.find((_, i) => !trained[i]!.has(scene.group));
    return model && matcherFeatures(model, pixels);
  };
}

function unknownPlaces(): never {
  throw new UsageError({
    ...{ action: 'align by a matcher', expected: 'a checkpoint that names the places that it was trained on' },
    found: 'one that does not',
    remedy: 'Train it again.',
  });
}

/** A window that may leave the scene, where pixels are missing. */
async function paddedWindow(scene: ScenePixels, sensor: 'sar' | 'optical', window: Parameters<typeof insideOf>[0]) {
  const inside = insideOf(window, scene);
  return embedded(await scene.readWindow(sensor, inside), inside, window);
}

const floorTo = (position: number) => Math.floor(position / STEP) * STEP;
const ceilTo = (position: number) => Math.ceil(position / STEP) * STEP;
