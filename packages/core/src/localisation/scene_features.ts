/** Features of any window of a pair of scenes, from whichever means makes them. */
import type { Sensor } from '../dataset/scenes.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { cropFeatures, type FeatureMap } from './feature_map.ts';
import { GRADIENT_REACH, orientedGradients } from './oriented_gradients.ts';

/** A SAR and an optical scene on a common grid. */
export interface ScenePixels {
  readonly width: number;
  readonly height: number;
  /** @throws PatchError if the window leaves the scene. */
  readWindow(sensor: Sensor, window: RasterWindow): Promise<Raster>;
}

export interface SceneFeatures {
  /** Side of a cell in pixels; windows must be multiples of it. */
  readonly stride: number;
  /** Cells of a window, as they are in the map of the whole scene. */
  read(sensor: Sensor, window: RasterWindow): Promise<FeatureMap>;
}

/** Oriented gradients, one cell a pixel. */
export function gradientFeatures(scene: ScenePixels): SceneFeatures {
  return {
    stride: 1,
    async read(sensor, window) {
      const wide = widened(window, GRADIENT_REACH, scene);
      const map = orientedGradients(await scene.readWindow(sensor, wide), sensor);
      return cropFeatures(map, window.column - wide.column, window.row - wide.row, window.width, window.height);
    },
  };
}

function widened(
  { column, row, width, height }: RasterWindow,
  by: number,
  scene: Pick<ScenePixels, 'width' | 'height'>,
): RasterWindow {
  const [left, top] = [Math.max(0, column - by), Math.max(0, row - by)];
  const [right, bottom] = [Math.min(scene.width, column + width + by), Math.min(scene.height, row + height + by)];
  return { column: left, row: top, width: right - left, height: bottom - top };
}
