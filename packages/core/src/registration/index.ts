/**
 * Registration: tie points between a SAR and an optical scene with the reason of each cell, a correction of the ground, and
 * how good it is at points that no fit has seen.
 *
 * @module
 * @example
 * ```ts
 * import { REASONS } from '@doppel/core/registration';
 *
 * console.log(REASONS[0], REASONS.length); // used 11
 * ```
 */
export { type CheckedPair, checkScenes } from './check_scenes.ts';
export {
  type Correction,
  type GroundPosition,
  type Interval,
  MODEL_KINDS,
  type ModelKind,
  type PixelPosition,
  type PlaneMap,
  QUALITY_FIGURES,
  type Quality,
  type QualityFigures,
  REASONS,
  type Reason,
  type RegisteredScene,
  type Registration,
  type Rung,
  type TiePoint,
  type TrustTest,
} from './registration.ts';
export { readViews, type ViewOptions, type ViewPixels } from './scene_views.ts';
export { biasOf, type JudgedSeries, judgeSeries, type SeriesEntry } from './series.ts';
