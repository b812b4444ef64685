export {
  type GeneratorLosses,
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
  type Objective,
} from '../generator/architectures/progressive/step.ts';
export { captureGeneratorStep } from './generator/captured_step.ts';
export { resolveGeneratorTraining } from './generator/config.ts';
export type { GeneratorRow } from './generator/metrics_log.ts';
export type { GridBlock } from './generator/probe.ts';
export { type GeneratorPictures, type GeneratorTask, loadLastGenerator } from './generator/task.ts';
export { type GeneratorTrainingResult, trainGenerator } from './generator/train.ts';
export { captureTrainingStep } from './matcher/captured_step.ts';
export { parseConfig, resolveConfig, type TrainingConfig } from './matcher/config.ts';
export { type EpochRow, parseMetrics } from './matcher/metrics_log.ts';
export { anchorsMet } from './matcher/sampler.ts';
export { apply, type Gradients, gradientsOf, trainingStep, zeroMoments } from './matcher/step.ts';
export { type FileInput, loadLast, type MatcherPictures, type TrainingTask } from './matcher/task.ts';
export { type TrainingResult, train } from './matcher/train.ts';
