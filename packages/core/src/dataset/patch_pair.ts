/**
 * A patch pair is the unit of training, mining and evaluation: one SAR and one optical patch, their place, and the
 * label whether they show the same ground.
 */
import type { Footprint } from '../geo/footprint.ts';
import type { Raster } from '../raster/raster.ts';

/** Provenance of a pair: cut from real scenes, re-paired at random, chosen by mining, or made by the generator. */
export const PROVENANCES = ['real', 'shuffled', 'mined', 'generated'] as const;
export type Provenance = (typeof PROVENANCES)[number];

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

export interface PatchPair {
  id: string;
  sar: Raster;
  optical: Raster;
  /** The place: pairs of one group never part between splits. */
  group: string;
  footprint?: Footprint;
  /** 1: the same ground; 0: not. */
  label: 0 | 1;
  provenance: Provenance;
}

/**
 * A pair by reference into a data set: the SAR patch of one record with the optical patch of another (or the same).
 * Shuffled and mined negatives are such references; nothing is copied.
 */
export interface PairReference {
  /** Record index of the SAR patch. */
  sar: number;
  /** Record index of the optical patch. */
  optical: number;
  label: 0 | 1;
  provenance: Provenance;
}
