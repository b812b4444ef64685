/**
 * Localisation: finds SAR templates in optical windows by oriented gradients or by a matcher's cells, and estimates from
 * many of them how far the scenes of a data set lie off each other.
 *
 * @module
 * @example
 * ```ts
 * import { selectBackend } from '@doppel/core/backends';
 * import { alignDataset, ALIGNMENT_DEFAULTS } from '@doppel/core/localisation';
 * import { openDataset } from '@doppel/core/dataset';
 * import { FileStore } from '@doppel/core/node';
 *
 * await selectBackend({ requested: 'cpu' });
 * const dataset = await openDataset(new FileStore(), 'runs/windows');
 * const { scenes } = await alignDataset(dataset, { ...ALIGNMENT_DEFAULTS, side: 64, search: 8, templates: 4 });
 * console.log(scenes.length); // 1
 * ```
 */

export { alignDataset, type MatcherFeatures, pixelsOf } from './align_dataset.ts';
export { ALIGNMENT_DEFAULTS, type AlignmentOptions } from './align_scene.ts';
export { alignedDataset } from './aligned_dataset.ts';
export {
  ALIGNMENT_FILE,
  type Alignment,
  formatAlignment,
  readAlignment,
  type SceneAlignment,
  shiftsOf,
} from './alignment_file.ts';
export type { Shift } from './consensus.ts';
export { drawTemplates, findTemplates } from './drawn_templates.ts';
export type { FoundTemplate } from './find_template.ts';
export { gradientFeatures, type SceneFeatures, type ScenePixels } from './scene_features.ts';
export type { ViewCount } from './square_views.ts';
export { tiledFeatures } from './tiled_features.ts';
