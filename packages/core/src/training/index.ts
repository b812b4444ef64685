export { captureGeneratorStep } from './generator/captured_step.ts';
export { GENERATOR_PRESET_NAMES, resolveGeneratorTraining } from './generator/config.ts';
export type { GeneratorRow } from './generator/metrics_log.ts';
export type { GridBlock } from './generator/probe.ts';
export { loadLastGenerator } from './generator/run.ts';
export type { GeneratorPictures } from './generator/run_folder.ts';
export {
  type GeneratorLosses,
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
  type Objective,
  zeroGeneratorMoments,
} from './generator/step.ts';
export { type GeneratorTask, type GeneratorTrainingResult, trainGenerator } from './generator/train.ts';
export { captureTrainingStep } from './matcher/captured_step.ts';
export { parseConfig, resolveConfig, type TrainingConfig } from './matcher/config.ts';
export { type EpochRow, parseMetrics } from './matcher/metrics_log.ts';
export { type FileInput, loadLast } from './matcher/run.ts';
export type { MatcherPictures } from './matcher/run_folder.ts';
export { checkpointPath } from './matcher/run_folder.ts';
export { anchorsMet } from './matcher/sampler.ts';
export { trainingStep, zeroMoments } from './matcher/step.ts';
export { type TrainingResult, type TrainingTask, train } from './matcher/train.ts';
