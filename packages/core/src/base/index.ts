/**
 * Small foundations: random numbers that a seed repeats exactly, quantiles, SHA-256, pauses of long work.
 *
 * @module
 * @example
 * ```ts
 * import { Rng } from '@doppel/core/base';
 *
 * const order = Rng.derive(7, 'order of places', 0).shuffle(['Austin', 'Los Angeles', 'Long Beach']);
 * console.log(order.join(', ')); // Austin, Long Beach, Los Angeles
 * ```
 */

export { inBlocks } from './blocks.ts';
export { concatenateBytes } from './concatenate.ts';
export { parseJson } from './parse_json.ts';
export { pause } from './pause.ts';
export { COUNTERS_A_STEP } from './philox.ts';
export { quantile } from './quantile.ts';
export type { Quantiles } from './quantiles.ts';
export { Rng } from './random.ts';
export { Registry } from './registry.ts';
export { sha256 } from './sha256.ts';
export { relativeError } from './tolerance.ts';
