/**
 * The experiment on hard negatives: cells of matcher, budget of labels, arm and seed, run in any order and resumed; paired
 * comparisons with intervals over places; a report.
 *
 * @module
 * @example
 * ```ts
 * import { perCent } from '@doppel/experiment';
 *
 * console.log(`${perCent(0.125)} % of the places`); // 12.5 % of the places
 * ```
 */
export { type Cell, readCell } from './cell.ts';
export { completeSeeds } from './complete.ts';
export { type ExperimentConfig, parseExperiment } from './config.ts';
export { type ExperimentOutcome, runExperiment } from './experiment.ts';
export { groupName, perCent, planCells, type Selection } from './plan.ts';
export { experimentFigures, experimentHtml } from './report.ts';
export type { Results } from './result_types.ts';
export { resultsOf } from './results.ts';
export { measureTestSets, type ScoredTestSets, scoreTestSets } from './score_test_sets.ts';
export { type SearchedPair, type SearchedPatch, searchPairs } from './searched_pairs.ts';
export { type MadeScores, measureShortcut, type Shortcut } from './shortcut.ts';
export { measureTemplates, type TemplateAccuracy, WITHIN } from './template_accuracy.ts';
export { makeTestSets, type TestSets } from './test_sets.ts';
