/**
 * Trained generators in the box, which make SAR patches to train matchers with. An entry of its own: who only scores
 * pairs, in a browser say, does not carry their files along.
 *
 * @module
 * @example
 * ```ts
 * import { GENERATOR_BOX } from '@doppel/models/generators';
 *
 * for (const { name, side } of GENERATOR_BOX) console.log(name, side); // s1-10m-spatial 64
 * ```
 */
import type { Boxed } from './boxed.ts';

// Each address is written out: bundlers find the files of a package by this very form.
const s1At10mSpatial: Boxed = {
  name: 's1-10m-spatial',
  description: 'Sentinel-1 VH at 10 m a pixel: codes in space, drawn speckle',
  side: 64,
  checkpoint: () => new URL('../s1-10m-spatial.safetensors', import.meta.url),
  card: () => new URL('../s1-10m-spatial.md', import.meta.url),
};

export const GENERATOR_BOX: readonly Boxed[] = [s1At10mSpatial];
