/** Tiny architectures that cover what processes share: patches that meet before the first convolution, and places. */
import { z } from 'zod';
import { type Architecture, configOf, type MatcherConfig } from '../../../packages/core/src/matcher/architecture.ts';
import type { Layers } from '../../../packages/core/src/matcher/layers.ts';
import type { Modality } from '../../../packages/core/src/prepare/normalisation.ts';

/** One stream, with dropout. */
export const plantedPair: Architecture = {
  name: 'planted-pair',
  config: configOf('planted-pair', z.int().min(32).multipleOf(16)),
  logits(layers, sar, optical, _config, pairing) {
    const [s, o] = pairing ? [layers.rows(sar, pairing.sar), layers.rows(optical, pairing.optical)] : [sar, optical];
    const options = { channels: 6, strides: 2, batchNorm: true, isInput: true };
    const x = layers.conv('pair.conv1', layers.concat([s, o]), options);
    const hidden = layers.dense('head.dense1', layers.mean(x), { channels: 8, activation: 'relu' });
    const kept = layers.dropout(hidden, 0.3);
    return layers.dense('head.dense2', kept, { channels: 2, activation: 'linear', isOutput: true });
  },
  initialisation: 'he-normal',
  recipe: {},
};

function cells<T>(layers: Layers<T>, sensor: Modality, patches: T, _config: MatcherConfig): T {
  const options = { channels: 4, strides: 2, batchNorm: true, isInput: true };
  return layers.conv(`${sensor}.conv1`, patches, options);
}

const tower = <T>(layers: Layers<T>, sensor: Modality, patches: T, config: MatcherConfig): T =>
  layers.unit(cells(layers, sensor, patches, config));

const join = <T>(layers: Layers<T>, sar: T, optical: T): T => layers.scaledLogits('head', layers.peak(sar, optical, 1));

const descriptor = <T>(layers: Layers<T>, sensor: Modality, patches: T, config: MatcherConfig): T =>
  layers.mean(cells(layers, sensor, patches, config));

/** Cells of two pixels that learn by localisation. */
export const plantedPlaces: Architecture = {
  name: 'planted-places',
  config: configOf('planted-places', z.int().min(32).multipleOf(8)),
  logits: (layers, sar, optical, config) =>
    join(layers, tower(layers, 'sar', sar, config), tower(layers, 'optical', optical, config)),
  towers: { tower, join, descriptor },
  localisation: {
    stride: 2,
    similarity: { logScale: 'head.logScale', midpoint: 'head.midpoint' },
    terms(layers, templates, windows, config) {
      const [s, o] = [cells(layers, 'sar', templates, config), cells(layers, 'optical', windows, config)];
      return {
        maps: layers.correlate(layers.unit(s), layers.unit(o)),
        ...{ templates: layers.mean(s), windows: layers.mean(o) },
      };
    },
  },
  initialisation: 'he-normal',
  recipe: {},
};
