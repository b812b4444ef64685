/**
 * Trained matchers in the box: a list of checkpoints that lie beside this code, each with a card that says what it was
 * trained on and how well it works. `openNamedModel` of `@doppel/core` opens one by its name.
 *
 * @module
 * @example
 * ```ts
 * import { BOX } from '@doppel/models';
 *
 * console.log(BOX.map(({ name }) => name).join(', ')); // s1s2-10m, s1s2-10m-small
 * ```
 */

import type { Boxed } from './boxed.ts';

export type { Boxed } from './boxed.ts';

export interface BoxedModel extends Boxed {
  /** 1: gray, 3: red, green, blue. */
  readonly opticalBands: 1 | 3;
}

// Each address is written out: bundlers find the files of a package by this very form.
const s1s2At10m: BoxedModel = {
  name: 's1s2-10m',
  description: 'Sentinel-1 VH and Sentinel-2 red, green, blue, at 10 m a pixel',
  side: 64,
  opticalBands: 3,
  checkpoint: () => new URL('../s1s2-10m.safetensors', import.meta.url),
  card: () => new URL('../s1s2-10m.md', import.meta.url),
};

const s1s2At10mSmall: BoxedModel = {
  name: 's1s2-10m-small',
  description: 'The same of half the width: twice as fast, and as sure',
  side: 64,
  opticalBands: 3,
  checkpoint: () => new URL('../s1s2-10m-small.safetensors', import.meta.url),
  card: () => new URL('../s1s2-10m-small.md', import.meta.url),
};

export const BOX: readonly BoxedModel[] = [s1s2At10m, s1s2At10mSmall];
