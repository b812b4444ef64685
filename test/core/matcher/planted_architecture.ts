/** A tiny architecture as a plug-in would write one: an unusual patch side, a setting and towers of its own. */
import { z } from 'zod';
import { type Architecture, configOf, type MatcherConfig } from '../../../packages/core/src/matcher/architecture.ts';
import type { Layers } from '../../../packages/core/src/matcher/layers.ts';
import type { Modality } from '../../../packages/core/src/prepare/normalisation.ts';

interface PlantedConfig extends MatcherConfig {
  /** Channels of each tower. */
  width: number;
}

const HALF = { sar: 'first', optical: 'second' } as const;
const JOIN = { channels: 4, strides: 2, size: 1, batchNorm: true } as const;

/** [n, S, S, c] → [n, S/4, S/4, width] */
function features<T>(layers: Layers<T>, sensor: Modality, patches: T, { width }: PlantedConfig): T {
  const options = { channels: width, strides: 2, batchNorm: true, isInput: true };
  return layers.maxPool(layers.conv(`${sensor}.conv1`, patches, options));
}

const tower = <T>(layers: Layers<T>, sensor: Modality, patches: T, config: PlantedConfig): T =>
  layers.halfConv('join.conv1', features(layers, sensor, patches, config), HALF[sensor], JOIN);

function join<T>(layers: Layers<T>, sar: T, optical: T): T {
  const joined = layers.sumHalves('join.conv1', sar, optical, JOIN); // [N, S/8, S/8, 4]
  return layers.dense('head.dense1', layers.flatten(joined), { channels: 2, activation: 'linear', isOutput: true });
}

export const planted: Architecture<PlantedConfig> = {
  name: 'planted',
  config: configOf('planted', z.int().min(32).multipleOf(16)).extend({ width: z.int().positive().default(4) }),
  logits(layers, sar, optical, config, pairing) {
    const [s, o] = [tower(layers, 'sar', sar, config), tower(layers, 'optical', optical, config)];
    return pairing ? join(layers, layers.rows(s, pairing.sar), layers.rows(o, pairing.optical)) : join(layers, s, o);
  },
  towers: {
    tower,
    join,
    descriptor: (layers, sensor, patches, config) => layers.mean(features(layers, sensor, patches, config)),
  },
  initialisation: 'he-normal',
  recipe: { optimiser: { learningRate: 0.02 }, l2: 0, augmentation: { turns: false } },
  adviceIfConstant: 'Plant it again.',
};
