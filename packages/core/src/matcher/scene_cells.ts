/** Cells of a matcher for any window of a scene: what is correlated to find SAR templates in optical windows. */
import * as tf from '@tensorflow/tfjs-core';
import { UsageError } from '../errors.ts';
import { cropFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import type { SceneFeatures, ScenePixels } from '../localisation/scene_features.ts';
import type { Modality, Normalisation } from '../prepare/normalisation.ts';
import { prepareWindow } from '../prepare/prepared_windows.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { MatcherConfig } from './architecture.ts';
import { ARCHITECTURES } from './architectures.ts';
import type { MatchScorer } from './scorer.ts';

/** A trained matcher, as `openModel` gives it. */
export interface CellModel {
  readonly info: MatcherConfig;
  readonly normalisation: Normalisation;
  readonly scorer: MatchScorer;
}

/** Pixels that windows must be a multiple of: the towers halve them three times at most. */
const STEP = 8;
/** Pixels around a cell that it depends on, at most. */
const CONTEXT = 48;

/**
 * Cells of a scene; a cell depends on its surroundings in the scene, not on the window that is read.
 *
 * @throws UsageError if the matcher compares whole patches.
 */
export function sceneCells(model: CellModel, scene: ScenePixels): SceneFeatures {
  const { stride, cellsOf } = requireCells(model);
  return {
    stride,
    async read(sensor, window) {
      const wide = widened(window, scene);
      const raster = await scene.readWindow(sensor, inside(wide, scene));
      const samples = prepareWindow(raster, sensor, model.normalisation, 'the scene');
      const map = await cellsOf(sensor, padded(samples, raster.width, raster.height, wide));
      const [column, row] = [window.column - wide.column, window.row - wide.row];
      const cells = [column, row, window.width, window.height].map((pixels) => pixels / stride);
      return cropFeatures(map, ...(cells as [number, number, number, number]));
    },
  };
}

interface Samples {
  /** [height, width, bands] */
  data: Float32Array;
  height: number;
  width: number;
}

function requireCells({ info, scorer }: CellModel) {
  const { localisation } = ARCHITECTURES.get(info.preset);
  const { halves } = scorer;
  if (!localisation || !halves) {
    throw new UsageError({
      action: `find templates in scenes by a matcher of the preset ${info.preset}`,
      expected: 'a matcher of dense cells',
      found: 'one that compares whole patches',
      remedy: 'Use a checkpoint of the preset dense.',
    });
  }
  const cellsOf = async (sensor: Modality, { data, height, width }: Samples): Promise<FeatureMap> => {
    const bands = data.length / (height * width);
    const cells = tf.tidy(() => halves[sensor](tf.tensor4d(data, [1, height, width, bands])));
    const [, rows, columns, channels] = cells.shape;
    try {
      return { data: (await cells.data()) as Float32Array, height: rows, width: columns, channels };
    } finally {
      cells.dispose();
    }
  };
  return { stride: localisation.stride, cellsOf };
}

/** The window with its context, in multiples of 8 from the scene's corner; it may reach beyond the lower right one. */
function widened({ column, row, width, height }: RasterWindow, scene: ScenePixels): RasterWindow {
  const [left, top] = [column, row].map((start) => Math.max(0, floorTo(start - CONTEXT))) as [number, number];
  const right = Math.min(ceilTo(scene.width), ceilTo(column + width + CONTEXT));
  const bottom = Math.min(ceilTo(scene.height), ceilTo(row + height + CONTEXT));
  return { column: left, row: top, width: right - left, height: bottom - top };
}

const floorTo = (pixels: number) => Math.floor(pixels / STEP) * STEP;
const ceilTo = (pixels: number) => Math.ceil(pixels / STEP) * STEP;

function inside({ column, row, width, height }: RasterWindow, scene: ScenePixels): RasterWindow {
  const [right, bottom] = [Math.min(column + width, scene.width), Math.min(row + height, scene.height)];
  return { column, row, width: right - column, height: bottom - row };
}

/** Samples with zeros, the mean, to the right and below. */
function padded(
  data: Float32Array,
  width: number,
  height: number,
  to: Pick<RasterWindow, 'width' | 'height'>,
): Samples {
  if (width === to.width && height === to.height) return { data, width, height };
  const bands = data.length / (width * height);
  const all = new Float32Array(to.width * to.height * bands);
  for (let row = 0; row < height; row++) {
    all.set(data.subarray(row * width * bands, (row + 1) * width * bands), row * to.width * bands);
  }
  return { data: all, width: to.width, height: to.height };
}
