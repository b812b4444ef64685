/** Cells of a matcher with towers, as features. */
import * as tf from '@tensorflow/tfjs-core';
import type { Sensor } from '../dataset/scenes.ts';
import { UsageError } from '../errors.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { firstViews, sideBySide, type ViewCount } from '../localisation/square_views.ts';
import type { DenseConfig } from '../matcher/architectures/dense.ts';
import type { Model } from '../model.ts';
import { prepareWindow } from '../prepare/prepared_windows.ts';
import type { Raster } from '../raster/raster.ts';
import { turned } from '../raster/turned.ts';
import type { FeatureKind } from './features.ts';

/** Pixels on each side on which a cell depends: half of the receptive field, in whole cells of the deepest layer. */
const MARGIN = 48;
/** Pixels from a missing pixel within which cells are not known. */
const BLUR = 4;

/** Pixels between neighbouring cells. */
const STRIDE = 2;

/** Towers of a model that has cells. @throws UsageError for another one. */
export function requireDense(model: Model): { halves: NonNullable<Model['scorer']['halves']>; stride: number } {
  const { halves } = model.scorer;
  if (model.info.preset !== 'dense' || !halves) throw notDense(model);
  return { halves, stride: STRIDE };
}

/**
 * Cells of a model under some symmetries of the square, side by side.
 *
 * @throws UsageError for a model that has no cells.
 */
export function denseFeatures(model: Model, views: ViewCount = 1): FeatureKind {
  const { halves, stride } = requireDense(model);

  async function cellsOf(sensor: Sensor, { data, width, height, channels }: FeatureMap): Promise<FeatureMap> {
    const cells = tf.tidy(() => halves[sensor](tf.tensor4d(data, [1, height, width, channels])));
    const [, rows, columns, numbers] = cells.shape;
    const values = (await cells.data()) as Float32Array;
    cells.dispose();
    return { data: values, width: columns, height: rows, channels: numbers };
  }

  return {
    name: 'dense',
    stride,
    channels: (model.info as Model['info'] & DenseConfig).cells * views,
    margin: MARGIN,
    async of(sensor, raster) {
      const { width, height } = raster;
      const data = samplesFor(model, sensor, raster, `the ${sensor} scene`);
      const samples = { data, width, height, channels: bandsFor(model, sensor) };
      const map = await sideBySide(firstViews(views), (view) => cellsOf(sensor, turned(samples, view)));
      if (raster.noData) clearMissing(map, raster.noData, width, height);
      return map;
    },
  };
}

/** The raster as the model takes it, [1, height, width, bands]. */
export function tensorOf(model: Model, sensor: Sensor, raster: Raster): tf.Tensor4D {
  const samples = samplesFor(model, sensor, raster, `the ${sensor} scene`);
  return tf.tensor4d(samples, [1, raster.height, raster.width, bandsFor(model, sensor)]);
}

/** Bands that the model takes of a sensor. */
export const bandsFor = ({ info }: Model, sensor: Sensor): 1 | 3 => (sensor === 'sar' ? 1 : info.opticalBands);

/** Samples of a raster as the model takes them, [height, width, bands]. @param where names the raster in messages. */
export function samplesFor(model: Model, sensor: Sensor, raster: Raster, where: string): Float32Array {
  const full = raster.bands === 1 && bandsFor(model, sensor) === 3 ? tripled(raster) : raster;
  return prepareWindow(full, sensor, model.normalisation, where);
}

/** A gray raster as red, green and blue. */
const tripled = (raster: Raster): Raster => ({
  ...raster,
  bands: 3,
  data: Float32Array.from({ length: raster.data.length * 3 }, (_, i) => raster.data[Math.floor(i / 3)]!),
});

/** Sets cells to zero that lie on missing pixels or near them. */
function clearMissing(map: FeatureMap, noData: Uint8Array, width: number, height: number): void {
  const stride = width / map.width;
  const reach = Math.ceil(BLUR / stride);
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      if (!isMissing(noData, width, column * stride, row * stride, stride)) continue;
      const [left, right] = [Math.max(0, column - reach), Math.min(map.width, column + reach + 1)];
      const bottom = Math.min(height / stride, row + reach + 1);
      for (let y = Math.max(0, row - reach); y < bottom; y++) {
        map.data.fill(0, (y * map.width + left) * map.channels, (y * map.width + right) * map.channels);
      }
    }
  }
}

function isMissing(noData: Uint8Array, width: number, column: number, row: number, side: number): boolean {
  for (let y = row; y < row + side; y++) {
    for (let x = column; x < column + side; x++) if (noData[y * width + x]) return true;
  }
  return false;
}

const notDense = ({ info }: Model) =>
  new UsageError({
    ...{ action: 'register by the model', expected: 'a model of the architecture dense', found: info.preset },
    remedy: 'Name another model, or register by gradients alone (--features gradients).',
  });
