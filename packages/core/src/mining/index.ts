export { type AdaptiveResult, mineAdaptive } from './adaptive.ts';
export { type AdaptiveSettings, adaptiveSettingsSchema } from './adaptive_settings.ts';
export { scoreReferences } from './block_scores.ts';
export { GENERATED_DEFAULTS, type GeneratedResult, mineGenerated } from './generated.ts';
export { anchorsOf } from './made_anchors.ts';
export { MADE_STRATEGIES, type MadeStrategy, patchesFile, readTrainingNegatives, writeMade } from './made_file.ts';
export { scoreMade } from './made_scores.ts';
export {
  MINING_DEFAULTS,
  type MiningModel,
  type MiningReport,
  type MiningResult,
  type MiningTask,
  mine,
  USES_PER_NEGATIVE,
} from './mine.ts';
export { writeNegatives } from './negatives.ts';
export type { MinableRecord } from './plan.ts';
export { refuseNonFinite } from './scored_blocks.ts';
export { SAMPLINGS, type SelectionRules } from './select.ts';
export { checkRules, STRATEGIES } from './strategy.ts';
export type { ShortageReason } from './tally.ts';
