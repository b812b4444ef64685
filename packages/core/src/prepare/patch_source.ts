/** Prepared patches as networks take them: their size, where they come from, and the tensors that they become. */
import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../base/concatenate.ts';
import type { Modality, Normalisation } from './normalisation.ts';

/** Size of prepared patches, which a network and its callers agree on. */
export interface PatchShape {
  /** Patch side length in pixels. */
  side: number;
  sarBands: number;
  opticalBands: number;
}

/** Size of the patches that a normalisation prepares. */
export const shapeOf = ({ side, optical }: Normalisation): PatchShape & { sarBands: 1; opticalBands: 1 | 3 } => ({
  ...{ side, sarBands: 1, opticalBands: optical.bands === 'rgb' ? 3 : 1 },
});

/** @returns [side, side, bands] */
export const sizeOf = ({ side, sarBands, opticalBands }: PatchShape, modality: Modality): [number, number, number] => [
  side,
  side,
  modality === 'sar' ? sarBands : opticalBands,
];

/** Prepared patches by index of their record: side · side · bands numbers each, not to be changed. */
export interface PatchSource {
  sar(index: number): Float32Array | Promise<Float32Array>;
  optical(index: number): Float32Array | Promise<Float32Array>;
}

/** Prepared patches of one sensor, of some records. @throws FileError, FormatError or PatchError if one cannot be used. */
export const readPatches = (
  source: PatchSource,
  modality: Modality,
  records: readonly number[],
): Promise<Float32Array[]> => Promise.all(records.map((record) => source[modality](record)));

/** Prepared patches of one sensor → [n, side, side, bands]. The caller disposes of the tensor. */
export const toTensor = (patches: readonly Float32Array[], modality: Modality, shape: PatchShape): tf.Tensor4D =>
  tf.tensor4d(concatenate(patches), [patches.length, ...sizeOf(shape, modality)]);
