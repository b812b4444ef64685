/** Cells of a whole scene, by squares: pixels of one square are in memory at a time. */
import { pause } from '../base/pause.ts';
import type { Watch } from '../base/watch.ts';
import type { Sensor } from '../dataset/scenes.ts';
import { emptyFeatures, type FeatureMap, pasteFeatures } from '../localisation/feature_map.ts';
import { type FeatureKind, featuresOf } from '../registration/features.ts';
import type { OpenedScene } from './opened_scene.ts';
import { CELL } from './place_cells.ts';

/** Side of a square in pixels. */
const SQUARE = 768;

/** @param kind cells of 8 × 8 pixels. Pixels at the right and lower edge that make no whole cell are left out. @throws the signal's reason when aborted. */
export async function embedScene(
  kind: FeatureKind,
  sensor: Sensor,
  scene: Pick<OpenedScene, 'width' | 'height' | 'read'>,
  { signal, onProgress }: Watch = {},
): Promise<FeatureMap> {
  const whole = emptyFeatures(Math.floor(scene.width / CELL), Math.floor(scene.height / CELL), kind.channels);
  const [right, bottom] = [whole.width * CELL, whole.height * CELL];
  for (let row = 0; row < bottom; row += SQUARE) {
    for (let column = 0; column < right; column += SQUARE) {
      await pause(signal);
      const [width, height] = [Math.min(SQUARE, right - column), Math.min(SQUARE, bottom - row)];
      const part = await featuresOf(kind, sensor, scene.read, { column, row, width, height });
      pasteFeatures(part, whole, column / CELL, row / CELL);
    }
    onProgress?.(Math.min(row + SQUARE, bottom), bottom);
  }
  return whole;
}
