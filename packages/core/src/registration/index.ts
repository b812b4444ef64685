/**
 * Registration: tie points between a SAR and an optical scene with the reason of each cell, a correction of the ground, and
 * how good it is at points that no fit has seen.
 *
 * @module
 * @example
 * ```ts
 * import { selectBackend } from '@doppel/core/backends';
 * import { FileStore } from '@doppel/core/node';
 * import { registerScenes } from '@doppel/core/registration';
 *
 * await selectBackend({ requested: 'wasm' });
 * const scenes = { sar: 'data/demo/sar/060.tif', optical: 'data/demo/optical/060.tif' };
 * const settings = { features: 'gradients', radius: '16px', search: 16, cells: 4 } as const;
 * const { points, ladder } = await registerScenes(new FileStore(), { ...scenes, settings });
 * console.log(points.length, ladder.map(({ kind }) => kind).join(', ')); // 16 shift, similarity, affine, quadratic, spline
 * ```
 */
export { changedSettings, settingsOf, settingText } from './changed_settings.ts';
export { type CheckedPair, checkScenes } from './check_scenes.ts';
export type { Gray } from './evaluate/baselines/gray.ts';
export { BASELINES, type Baseline } from './evaluate/baselines/methods.ts';
export type { Peer, PeerImages, PeerSearch } from './evaluate/baselines/peer_registration.ts';
export {
  type EvaluationOptions,
  type EvaluationScene,
  evaluateRegistration,
  TASKS,
} from './evaluate/evaluate_registration.ts';
export type { EvaluationRow } from './evaluate/evaluation_row.ts';
export { type EvaluationFigure, evaluationFigures, evaluationTable } from './evaluate/evaluation_table.ts';
export { matcherFeatures, unseenFeatures } from './matcher_features.ts';
export { LATTICES, type Lattice } from './outputs/aligned_grid.ts';
export { type Applied, type ApplyOptions, applyTransform } from './outputs/apply.ts';
export { SIDES, type Side } from './outputs/moved.ts';
export { type OutputSettings, outputOptions, outputSettings } from './outputs/output_settings.ts';
export { RESAMPLINGS, type Resampling } from './outputs/resampler.ts';
export { formatTransform, readTransform, type TransformFile } from './outputs/transform_file.ts';
export { OUTPUT_NAMES, type OutputFiles, type OutputOptions, writeOutputs } from './outputs/write_outputs.ts';
export {
  PAIR_FILES,
  type PairTask,
  type PairTools,
  type PairWatch,
  type RegistrationReport,
  registerPair,
} from './register_pair.ts';
export { type RegistrationWatch, registerFiles, registerScenes, type ScenesToRegister } from './register_scenes.ts';
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
export {
  FEATURE_CHOICES,
  type RegistrationOptions,
  type RegistrationSettings,
  registrationSettings,
} from './settings.ts';
export { countReasons, type Summary, summaryOf } from './summary.ts';
export { pairMap, pairMaps, type TemplateMap, templateMap } from './template_map.ts';
