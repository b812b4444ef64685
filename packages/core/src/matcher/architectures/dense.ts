/**
 * `dense`: two fully convolutional towers that give a unit vector for every cell of 2 × 2 pixels. A pair is judged by the
 * peak of the normalised cross-correlation of its cells within a few pixels, so that the network compares places, not
 * kinds of ground, and the same cells register whole scenes.
 *
 * The receptive field is about 80 pixels: two strides, then three residual convolutions with growing dilation (Yu and
 * Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, ICLR 2016). Both towers have weights of their own.
 */
import { z } from 'zod';
import type { Modality } from '../../prepare/normalisation.ts';
import { type Architecture, configOf, type MatcherConfig } from '../architecture.ts';
import type { Layers } from '../layers.ts';

/** Pixels between neighbouring cells. */
const STRIDE = 2;
/** Patch sides in pixels. */
const SIDES = { min: 32, multipleOf: 8 };
const DILATIONS = [1, 2, 4] as const;
/** Numbers of the pooled descriptor, by which places are searched. */
const DESCRIPTOR = 128;

export interface DenseConfig extends MatcherConfig {
  /** Channels of the stem; twice as many where a cell has four pixels a side. */
  width: number;
  /** Channels of a cell. */
  cells: number;
  /** Largest displacement, in pixels, at which a pair is compared. */
  radius: number;
}

const config = configOf('dense', z.int().min(SIDES.min).multipleOf(SIDES.multipleOf)).extend({
  width: z.int().min(8).multipleOf(8).default(32),
  cells: z.int().min(4).max(64).default(16),
  radius: z.int().min(0).max(16).default(4),
}) satisfies z.ZodType<DenseConfig>;

interface Maps<T> {
  /** Unit cells, [n, h/2, w/2, cells]. */
  cells: T;
  /** Wide maps before they are enlarged, [n, h/4, w/4, 2 · width]. */
  wide: T;
}

/** [n, h, w, bands] → maps; h and w are multiples of 8. */
function tower<T>(layers: Layers<T>, sensor: Modality, patches: T, { width, cells }: DenseConfig): Maps<T> {
  const conv = (i: number, x: T, channels: number, more: { strides?: number; dilations?: number } = {}) =>
    layers.conv(`${sensor}.conv${i}`, x, { channels, batchNorm: true, exact: false, isInput: i === 1, ...more });
  const linear = (i: number, x: T, channels: number) =>
    layers.conv(`${sensor}.conv${i}`, x, { channels, size: 1, activation: 'linear' });

  const stem = conv(3, conv(2, conv(1, patches, width / 2), width, { strides: STRIDE }), width);
  let wide = conv(4, stem, 2 * width, { strides: 2 });
  DILATIONS.forEach((dilations, i) => {
    wide = layers.add(wide, conv(5 + i, wide, 2 * width, { dilations }));
  });
  const joined = layers.add(stem, layers.upsample(linear(8, wide, width), stem));
  return { cells: layers.unit(linear(10, conv(9, joined, width), cells)), wide };
}

/** [n, h/4, w/4, c] → [n, 128] */
const descriptorOf = <T>(layers: Layers<T>, sensor: Modality, { wide }: Maps<T>): T =>
  layers.dense(`${sensor}.dense1`, layers.concat([layers.mean(wide), layers.max(wide)]), {
    channels: DESCRIPTOR,
    activation: 'linear',
  });

const join = <T>(layers: Layers<T>, sar: T, optical: T, { radius }: DenseConfig): T =>
  layers.scaledLogits('head', layers.peak(sar, optical, Math.floor(radius / STRIDE)));

export const dense: Architecture<DenseConfig> = {
  name: 'dense',
  config,
  logits(layers, sar, optical, settings, pairing) {
    const [s, o] = [tower(layers, 'sar', sar, settings).cells, tower(layers, 'optical', optical, settings).cells];
    if (!pairing) return join(layers, s, o, settings);
    return join(layers, layers.rows(s, pairing.sar), layers.rows(o, pairing.optical), settings);
  },
  towers: {
    tower: (layers, sensor, patches, settings) => tower(layers, sensor, patches, settings).cells,
    join,
    descriptor: (layers, sensor, patches, settings) =>
      descriptorOf(layers, sensor, tower(layers, sensor, patches, settings)),
  },
  localisation: {
    stride: STRIDE,
    similarity: { logScale: 'head.logScale', midpoint: 'head.midpoint' },
    terms(layers, templates, windows, settings) {
      const [s, o] = [tower(layers, 'sar', templates, settings), tower(layers, 'optical', windows, settings)];
      return {
        maps: layers.correlate(s.cells, o.cells),
        templates: descriptorOf(layers, 'sar', s),
        windows: descriptorOf(layers, 'optical', o),
      };
    },
  },
  sides: SIDES,
  initialisation: 'he-normal',
  recipe: {
    optimiser: { learningRate: 2e-3 },
    l2: 1e-5,
    warmupSteps: 50,
    batch: { positives: 32, negatives: 0 },
    schedule: { kind: 'cosine' },
    // Statistics of the data set, not of the patch: the descriptor of a place must not depend on its window.
    normalisation: { sar: { standardise: 'dataset' }, optical: { standardise: 'dataset' } },
  },
};
