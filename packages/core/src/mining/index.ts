export { type AdaptiveSettings, adaptiveSettingsSchema } from './adaptive_settings.ts';
export { scoreReferences } from './blocks/block_scores.ts';
export { refuseNonFinite } from './blocks/scored_blocks.ts';
export { anchorsOf } from './made_anchors.ts';
export { MADE_STRATEGIES, type MadeStrategy, patchesFile, readTrainingNegatives, writeMade } from './made_file.ts';
export { scoreMade } from './made_scores.ts';
export { writeNegatives } from './negatives_file.ts';
export type { MinableRecord } from './plan.ts';
export {
  MINING_DEFAULTS,
  type MiningModel,
  type MiningReport,
  type MiningResult,
  type MiningTask,
  mine,
  USES_PER_NEGATIVE,
} from './ranked.ts';
export { SAMPLINGS, type SelectionRules } from './select.ts';
export { type AdaptiveResult, mineAdaptive } from './strategies/adaptive.ts';
export { GENERATED_DEFAULTS, type GeneratedResult, mineGenerated } from './strategies/generated.ts';
export { checkRules, STRATEGIES } from './strategy.ts';
export type { ShortageReason } from './tally.ts';
