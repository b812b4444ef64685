/** The shift of a pair of scenes by two means, and whether they agree. */
import type { Estimate, SceneAlignment } from './alignment_file.ts';
import { type Consensus, consensusOf, distance, type Vote } from './consensus.ts';
import { gradientFeatures, type SceneFeatures, type ScenePixels } from './scene_features.ts';
import { type TemplateOptions, templateGrid, votesOf } from './template_votes.ts';
import { tiledFeatures } from './tiled_features.ts';

export interface AlignmentOptions extends TemplateOptions {
  /** Templates of a scene, at most. */
  templates: number;
  /** Largest distance of two estimates that agree, in pixels. */
  tolerance: number;
  signal?: AbortSignal | undefined;
}

export const ALIGNMENT_DEFAULTS = { side: 96, search: 16, templates: 100, tolerance: 2 } as const;

/**
 * @param id of the scene. @param matcher features of the second means; without them, the gradients of every other
 * template check those of the rest.
 */
export async function alignScene(
  id: string,
  scene: ScenePixels,
  options: AlignmentOptions,
  matcher?: SceneFeatures,
): Promise<SceneAlignment> {
  const { search, signal, tolerance } = options;
  const templates = templateGrid(scene, options, options.templates);
  const byGradients = await votesOf(templates, tiledFeatures(scene, gradientFeatures(scene)), search, signal);
  if (!matcher) {
    const half = (parity: 0 | 1) =>
      byGradients.filter(({ template: { cell } }) => (cell.column + cell.row) % 2 === parity);
    return agreed(id, [estimate('gradients-even', half(0)), estimate('gradients-odd', half(1))], tolerance);
  }
  const byMatcher = await votesOf(templates, matcher, search, signal);
  return agreed(id, [estimate('gradients', byGradients), estimate('matcher', byMatcher)], tolerance);
}

function estimate(by: Estimate['by'], votes: readonly Vote[]): Estimate | undefined {
  const found: Consensus | undefined = consensusOf(votes);
  return found && { by, ...found };
}

function agreed(id: string, [a, b]: (Estimate | undefined)[], tolerance: number): SceneAlignment {
  const estimates = [a, b].filter((each) => each !== undefined);
  if (!a || !b) return { id, accepted: false, shift: { row: 0, column: 0 }, estimates };
  const difference = distance(a, b);
  if (difference > tolerance) return { id, accepted: false, shift: { row: 0, column: 0 }, difference, estimates };
  const shift = { row: (a.row + b.row) / 2, column: (a.column + b.column) / 2 };
  const uncertainty = Math.hypot(a.uncertainty, b.uncertainty) / 2;
  return { id, accepted: true, shift, uncertainty, difference, estimates };
}
