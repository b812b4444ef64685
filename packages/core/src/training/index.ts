/**
 * Training of matchers and generators: configurations with defaults by architecture, runs that stop and resume exactly,
 * gradients and their application as two functions.
 *
 * @module
 * @example
 * ```ts
 * import { resolveConfig } from '@doppel/core/training';
 *
 * const facts = { data: 'runs/data', side: 64, positives: 3200 };
 * const { preset, epochs, stepsPerEpoch } = resolveConfig([{ preset: 'paper-bn', epochs: 5 }], facts, 'this example');
 * console.log(preset, epochs, stepsPerEpoch); // paper-bn 5 100
 * ```
 */
export {
  type GeneratorLosses,
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
  type Objective,
} from '../generator/architectures/progressive/step.ts';
export { ALONE, type Communicator } from '../processes/communicator.ts';
export { leftToFirst } from '../processes/left_to_first.ts';
export { checkHeldOut } from '../runs/held_out.ts';
export { checkpointPath } from '../runs/run_files.ts';
export { mergeSettings, type PartialConfig, type RemovedOption, withoutRemoved } from '../runs/settings.ts';
export { captureGeneratorStep } from './generator/captured_step.ts';
export { resolveGeneratorTraining } from './generator/config.ts';
export { GeneratorLearner } from './generator/learner.ts';
export type { GeneratorRow } from './generator/metrics_log.ts';
export type { GridBlock } from './generator/probe.ts';
export { type GeneratorPictures, type GeneratorTask, loadLastGenerator } from './generator/task.ts';
export { type GeneratorTrainingResult, trainGenerator } from './generator/train.ts';
export { captureTrainingStep } from './matcher/captured_step.ts';
export { parseConfig, resolveConfig, type TrainingConfig } from './matcher/config.ts';
export { armTrainingSchema } from './matcher/hard_settings.ts';
export { type EpochRow, parseMetrics } from './matcher/metrics_log.ts';
export { anchorsMet } from './matcher/sampler.ts';
export { apply, type Gradients, gradientsOf, trainingStep, zeroMoments } from './matcher/step.ts';
export { type FileInput, loadLast, type MatcherPictures, type TrainingTask } from './matcher/task.ts';
export { type TrainingResult, train } from './matcher/train.ts';
