/** Prepared patches as networks take them: their size, and where they come from. */
import type { Modality } from './normalisation.ts';

/** Size of prepared patches, which a network and its callers agree on. */
export interface PatchShape {
  /** Patch side length in pixels. */
  side: number;
  sarBands: number;
  opticalBands: number;
}

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
