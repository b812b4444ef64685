/**
 * Channels of oriented gradients (CFOG): edges lie at the same places for both sensors, whatever their brightness and
 * sign. After Ye et al., Fast and Robust Matching for Multimodal Remote Sensing Image Registration (TGRS 2019).
 *
 * For orientation θ a pixel has |gx·cos θ + gy·sin θ|, smoothed over its neighbours and over adjacent orientations; the
 * vector of a pixel over all orientations is scaled to unit length.
 */
import { momentsOf } from '../base/moments.ts';
import type { Sensor } from '../dataset/scenes.ts';
import { grayOf, logarithms } from '../raster/gray.ts';
import type { Raster } from '../raster/raster.ts';
import type { FeatureMap } from './feature_map.ts';
import { gaussian, gaussianReach } from './gaussian.ts';

/** Orientations over half a turn. */
export const ORIENTATIONS = 9;
/** Standard deviation, in pixels, of the Gaussian before the gradient: speckle has structure below it. */
const BEFORE: Record<Sensor, number> = { sar: 1.5, optical: 1 };
/** Standard deviation, in pixels, of the Gaussian over each channel. */
const AFTER = 0.8;
/** Pixels around a pixel that its vector depends on. */
export const GRADIENT_REACH = Math.max(...Object.values(BEFORE).map(gaussianReach)) + 1 + gaussianReach(AFTER);

/** Vector of each pixel; zero where there is no gradient, or where missing pixels are near. */
export function orientedGradients(raster: Raster, sensor: Sensor): FeatureMap {
  const { width, height, noData } = raster;
  const image = gaussian(levelled(raster, sensor), width, height, 1, BEFORE[sensor]);
  const channels = gaussian(orientationsOf(image, width, height), width, height, ORIENTATIONS, AFTER);
  const data = unitVectors(channels);
  if (noData) clearNear(data, noData, width, height);
  return { data, width, height, channels: ORIENTATIONS };
}

/** One gray band. SAR samples that are proportional to power or its root become logarithms: speckle is then as strong everywhere. */
function levelled(raster: Raster, sensor: Sensor): Float32Array {
  const gray = grayOf(raster);
  const level = sensor === 'sar' && raster.unit !== 'dB' ? logarithms(gray) : gray;
  const { mean, count } = momentsOf(level);
  return level.map((value) => (Number.isFinite(value) ? value : count > 0 ? mean : 0));
}

/** [height, width, ORIENTATIONS] */
function orientationsOf(image: Float32Array, width: number, height: number): Float32Array {
  const channels = new Float32Array(width * height * ORIENTATIONS);
  const angles = Array.from({ length: ORIENTATIONS }, (_, k) => (k * Math.PI) / ORIENTATIONS);
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const i = row * width + column;
      const [gx, gy] = [image[i + 1]! - image[i - 1]!, image[i + width]! - image[i - width]!];
      for (let k = 0; k < ORIENTATIONS; k++) {
        channels[i * ORIENTATIONS + k] = Math.abs(gx * cosines[k]! + gy * sines[k]!);
      }
    }
  }
  return channels;
}

/** Smooths over adjacent orientations, with weights 1, 2, 1, and scales each vector to unit length. */
function unitVectors(channels: Float32Array): Float32Array {
  const data = new Float32Array(channels.length);
  for (let at = 0; at < data.length; at += ORIENTATIONS) {
    let energy = 0;
    for (let k = 0; k < ORIENTATIONS; k++) {
      const before = channels[at + ((k + ORIENTATIONS - 1) % ORIENTATIONS)]!;
      const after = channels[at + ((k + 1) % ORIENTATIONS)]!;
      const value = before + 2 * channels[at + k]! + after;
      data[at + k] = value;
      energy += value * value;
    }
    if (energy === 0) continue;
    const scale = 1 / Math.sqrt(energy);
    for (let k = 0; k < ORIENTATIONS; k++) data[at + k]! *= scale;
  }
  return data;
}

/** Sets vectors to zero that missing pixels had a part in. */
function clearNear(data: Float32Array, noData: Uint8Array, width: number, height: number): void {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!noData[row * width + column]) continue;
      const first = column;
      while (column + 1 < width && noData[row * width + column + 1]) column++; // a run of them at once
      const [left, right] = [Math.max(0, first - GRADIENT_REACH), Math.min(width, column + GRADIENT_REACH + 1)];
      const bottom = Math.min(height, row + GRADIENT_REACH + 1);
      for (let y = Math.max(0, row - GRADIENT_REACH); y < bottom; y++) {
        data.fill(0, (y * width + left) * ORIENTATIONS, (y * width + right) * ORIENTATIONS);
      }
    }
  }
}
