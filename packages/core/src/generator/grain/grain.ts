/**
 * Grain of a generator whose decoder gives the ground alone: decodes codes to ground, takes the style of a source's
 * speckle, and draws speckle of a style on any ground.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Normalisation } from '../../prepare/normalisation.ts';
import { padPatch } from '../fit_patch.ts';
import {
  type GridFrequencies,
  type GroundMaps,
  type SpeckleStatistics,
  type SpeckleStyle,
  speckled,
  speckleStyle,
} from './speckle.ts';

export interface Grain {
  /** Ground of codes [n, latent], at the side of the networks. */
  ground(z: tf.Tensor2D): Promise<GroundMaps[]>;
  /** Style of a prepared patch of the data's side, from its own ground. */
  style(patch: Float32Array, ground: GroundMaps, grid: GridFrequencies): SpeckleStyle;
  /** Prepared patch of the data's side: the ground with speckle of a style. */
  speckled(ground: GroundMaps, style: SpeckleStyle, draw: { seed: number; offset: number }): Float32Array;
  /** Map of the networks' side → the data's side. */
  crop(map: Float32Array): Float32Array;
}

export interface GrainParts {
  /** Codes [n, latent] → maps [n, side, side, 1] of the networks' side. */
  decode(z: tf.Tensor2D): { reflectivity: tf.Tensor4D; logDeviation: tf.Tensor4D };
  statistics: SpeckleStatistics;
  /** Side of the networks in pixels. */
  padded: number;
  normalisation: Normalisation;
}

export function grainOf({ decode, statistics, padded, normalisation }: GrainParts): Grain {
  const { side, sar } = normalisation;
  const inUnits = (value: number | undefined, otherwise: number) =>
    value === undefined ? otherwise : (value - sar.mean!) / sar.std!;
  const [low, high] = [inUnits(sar.clip?.low, -Infinity), inUnits(sar.clip?.high, Infinity)];
  const crop = (map: Float32Array) => cropMap(map, padded, side);
  return {
    ground: (z) => groundMaps(decode, z),
    style: (patch, ground, grid) =>
      speckleStyle({ patch: padPatch(patch, side, padded), ...ground }, padded, statistics, grid),
    speckled: (ground, style, draw) =>
      crop(speckled(ground, style, statistics, draw)).map((value) => Math.min(Math.max(value, low), high)),
    crop,
  };
}

/** Decodes codes into one pair of maps each. */
export async function groundMaps(decode: GrainParts['decode'], z: tf.Tensor2D): Promise<GroundMaps[]> {
  const maps = tf.tidy(() => decode(z));
  const [reflectivity, logDeviation] = await Promise.all([
    maps.reflectivity.data<'float32'>(),
    maps.logDeviation.data<'float32'>(),
  ]);
  tf.dispose([maps.reflectivity, maps.logDeviation]);
  const length = reflectivity.length / z.shape[0];
  return Array.from({ length: z.shape[0] }, (_, i) => ({
    reflectivity: reflectivity.slice(i * length, (i + 1) * length),
    logDeviation: logDeviation.slice(i * length, (i + 1) * length),
  }));
}

function cropMap(map: Float32Array, padded: number, side: number): Float32Array {
  if (padded === side) return map;
  const margin = (padded - side) >> 1;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / side) + margin, (i % side) + margin];
    return map[row * padded + column]!;
  });
}
