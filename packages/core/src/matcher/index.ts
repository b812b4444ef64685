/**
 * Matchers: architectures in one list, checkpoints, scorers of prepared patches, calibrated probabilities.
 *
 * @module
 * @example
 * ```ts
 * import { ARCHITECTURES, createMatcher } from '@doppel/core/matcher';
 * import { selectBackend } from '@doppel/core/backends';
 *
 * await selectBackend({ requested: 'cpu' });
 * const matcher = createMatcher({ preset: 'two-channel', side: 64, sarBands: 1, opticalBands: 3, seed: 1 });
 * console.log(ARCHITECTURES.names().join(' '), matcher.parameters.size); // paper paper-bn two-channel dense 28
 * ```
 */
export type { Architecture, MatcherConfig, Recipe, SideRule, Towers } from './architecture.ts';
export { configOf } from './architecture.ts';
export { ARCHITECTURES, architectureName, architecturesWith, DEFAULT_ARCHITECTURE } from './architectures.ts';
export { type Calibration, probabilityOf, sigmoid } from './calibration.ts';
export { type Checkpoint, matcherOf, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
export type { ConvOptions, DenseOptions, Half, Layers } from './layers.ts';
export { classWeights } from './loss.ts';
export { createMatcher, type Matcher } from './matcher.ts';
export { type NetworkLayer, networkOf, parameterSpecs } from './network_layers.ts';
export { scorePairs } from './score_pairs.ts';
export { createScorer, type MatchScorer, type PairScorer } from './scorer.ts';
export { type Sides, sidesInWords, takesSide } from './sides.ts';
