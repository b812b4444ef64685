/**
 * Hard negatives: strategies that find them, in one list, and the file that holds them.
 *
 * @module
 * @example
 * ```ts
 * import { STRATEGIES } from '@doppel/core/mining';
 *
 * console.log(STRATEGIES.names().join(' ')); // random loss nearest generated adaptive blocks placebo
 * ```
 */
export {
  type AdaptiveSettings,
  adaptiveSettings,
  refreshSchema,
  removedFromAdaptive,
} from './adaptive_settings.ts';
export { forEachLikeness, highestAllowed } from './likeness.ts';
export { isMade, type MinedNegative, type Negative, type NegativesHeader } from './negatives.ts';
export { patchesFile, readNegatives, writeNegatives } from './negatives_file.ts';
export { scoreMade, scoreReferences, truePairs } from './pair_scores.ts';
export { anchorsOf, trainingOn } from './plan.ts';
export { adaptive } from './strategies/adaptive.ts';
export { STRATEGIES, settingsShapeOf } from './strategies.ts';
export type { Bench, MiningModel, MiningReport, Negatives, Scoring, Strategy, Watch } from './strategy.ts';
