export { type Calibration, probabilityOf, sigmoid } from './calibration.ts';
export { type Checkpoint, matcherOf, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
export { classWeights } from './loss.ts';
export { createMatcher, type Matcher, PRESETS, type Preset, parameterSpecs } from './matcher.ts';
export { type PatchSource, scorePairs } from './score_pairs.ts';
export { createScorer } from './scorer.ts';
