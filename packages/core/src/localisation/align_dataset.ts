/** Alignment of all scenes of a data set. */
import type { Watch } from '../base/watch.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { Scene, Sensor } from '../dataset/scenes.ts';
import { UsageError } from '../errors.ts';
import type { RasterWindow } from '../raster/window.ts';
import { type AlignmentOptions, alignScene } from './align_scene.ts';
import type { Alignment, SceneAlignment } from './alignment_file.ts';
import type { SceneFeatures, ScenePixels } from './scene_features.ts';

/** Features of a scene by a matcher that was not trained on it; none where there is no such matcher. */
export type MatcherFeatures = (scene: Scene, pixels: ScenePixels) => SceneFeatures | undefined;

/**
 * @param matcher second means; scenes for which it has none are checked by two halves of the templates.
 * @throws UsageError where the data set has no scenes. @throws the signal's reason when aborted.
 */
export async function alignDataset(
  dataset: Dataset,
  { signal: _, ...options }: AlignmentOptions,
  { signal, onProgress }: Watch = {},
  matcher?: MatcherFeatures,
): Promise<Alignment> {
  const { scenes, fingerprint, folder } = dataset;
  if (scenes.length === 0) throw withoutScenes(folder);
  const aligned: SceneAlignment[] = [];
  for (const scene of scenes) {
    onProgress?.(aligned.length, scenes.length);
    const pixels = pixelsOf(dataset, scene);
    aligned.push(await alignScene(scene.id, pixels, { ...options, signal }, matcher?.(scene, pixels)));
  }
  onProgress?.(scenes.length, scenes.length);
  const checks = new Set(aligned.map(checkOf));
  const check = checks.size > 1 ? 'mixed' : (checks.values().next().value ?? 'halves');
  const { side, search, tolerance, templates } = options;
  const settings = { side, search, tolerance, templates };
  return { doppel: 'alignment', version: 1, fingerprint, check, settings, scenes: aligned };
}

const checkOf = ({ estimates }: SceneAlignment) =>
  estimates.some(({ by }) => by === 'matcher' || by === 'gradients') ? 'matcher' : 'halves';

/** The part of a scene that both files cover. */
export function pixelsOf(dataset: Pick<Dataset, 'readWindow'>, { id, covered }: Scene): ScenePixels {
  return {
    width: covered.width,
    height: covered.height,
    readWindow: (sensor: Sensor, { column, row, width, height }: RasterWindow) =>
      dataset.readWindow(id, sensor, { column: covered.column + column, row: covered.row + row, width, height }),
  };
}

const withoutScenes = (folder: string) =>
  new UsageError({
    action: `align ${folder}`,
    expected: 'a data set of windows of scenes (version 2)',
    found: 'patches only',
    remedy: 'Import the scenes again by `doppel data import scenes … --windows`.',
  });
