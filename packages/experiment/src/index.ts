export { type Cell, readCell } from './cell.ts';
export { type ExperimentConfig, parseExperiment } from './config.ts';
export { runExperiment } from './experiment.ts';
export { parseShard, perCent, type Selection } from './plan.ts';
export { experimentFigures, experimentHtml } from './report.ts';
export type { Results } from './result_types.ts';
export { resultsOf } from './results.ts';
export { type MadeScores, measureShortcut, type Shortcut } from './shortcut.ts';
