/**
 * A matcher with random weights, and patches of noise: enough to see that the same pair gets the same score everywhere.
 * Plain JavaScript, as the smoke suite uses it on Node too.
 */

import { Rng } from '@doppel/core/base';
import { createMatcher, parameterSpecs, writeCheckpoint } from '@doppel/core/matcher';
import * as tf from '@tensorflow/tfjs-core';
import { encode } from 'fast-png';
import { writeArrayBuffer } from 'geotiff';

export const SIDE = 64;
/** About what float32 holds. */
const LARGEST = 3e38;
/** @type {import('@doppel/core/matcher').MatcherConfig} */
const CONFIG = { preset: 'two-channel', side: SIDE, sarBands: 1, opticalBands: 1 };

const digital = 'digital number';
const SAR = { source: digital, unit: digital, bands: 1, speckleFilter: null, clip: null };

/**
 * The bytes of a checkpoint. Needs a backend.
 * @param {number} gain of the last layer; patches that are flat score 0 with any.
 */
export const tinyCheckpoint = (gain = 1) =>
  checkpointOf(
    CONFIG,
    { sar: { ...SAR, standardise: 'patch' }, optical: { bands: 'gray', clip: null, standardise: 'patch' } },
    gain,
  );

/** The same of a fully convolutional matcher: as those in the box, but for its weights. */
export function denseCheckpoint() {
  const statistics = { standardise: 'dataset', mean: 120, std: 60 };
  return checkpointOf(
    { preset: 'dense', side: SIDE, sarBands: 1, opticalBands: 1, width: 8, cells: 4, radius: 4 },
    { sar: { ...SAR, ...statistics }, optical: { bands: 'gray', clip: null, ...statistics } },
  );
}

function checkpointOf(config, normalisation, gain = 1) {
  const matcher = createMatcher({ ...config, seed: 7 });
  const all = new Map([...matcher.parameters, ...matcher.statistics]);
  const tensors = new Map();
  for (const { name, shape } of parameterSpecs(config)) {
    const scale = name === 'head.dense2.kernel' ? gain : 1;
    tensors.set(name, {
      shape,
      data: Float32Array.from(all.get(name).dataSync(), (value) =>
        Math.max(-LARGEST, Math.min(value * scale, LARGEST)),
      ),
    });
  }
  matcher.dispose();
  return writeCheckpoint({
    matcher: matcher.config,
    tensors,
    normalisation: { version: 1, side: SIDE, ...normalisation },
    calibration: { temperature: 2, threshold: 0.4 },
    metrics: {},
    trainedOn: { folder: 'data', dataFingerprint: 'abc' },
    inputs: { from: null, negatives: null },
    backend: tf.getBackend(),
    training: {},
  });
}

/**
 * A gray patch of 8-bit noise: as samples, as a PNG file and as a GeoTIFF.
 * @param {number} seed
 */
export function noisePatch(seed, side = SIDE) {
  const rng = Rng.derive(seed, 'patch');
  const pixels = Uint8Array.from({ length: side * side }, () => rng.int(256));
  return {
    samples: Array.from(pixels),
    get png() {
      return encode({ width: side, height: side, data: pixels, channels: 1 });
    },
    get tiff() {
      return new Uint8Array(writeArrayBuffer(pixels, { width: side, height: side }));
    },
  };
}

/**
 * Two scenes of the same noise, light and dark exchanged, as GeoTIFFs: oriented gradients find them to be one place.
 * Pixels of 10 m.
 */
export function noiseScenes(side = 256) {
  const rng = Rng.derive(1, 'scene');
  const place = { ModelPixelScale: [10, 10, 0], ModelTiepoint: [0, 0, 0, 500_000, 5_000_000, 0] };
  const keys = { GTModelTypeGeoKey: 1, GTRasterTypeGeoKey: 1, ProjectedCSTypeGeoKey: 32631 };
  const coarse = Uint8Array.from({ length: (side / 4) ** 2 }, () => 1 + rng.int(254));
  const at = (i) => coarse[Math.floor(i / side / 4) * (side / 4) + Math.floor((i % side) / 4)];
  const file = (pixel) => {
    const pixels = Uint8Array.from({ length: side * side }, (_, i) => pixel(at(i)));
    return new Uint8Array(writeArrayBuffer(pixels, { width: side, height: side, ...place, ...keys }));
  };
  return { sar: file((value) => value), optical: file((value) => 255 - value) };
}
