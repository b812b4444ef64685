/** Votes of many templates of a scene on the shift of the optical against the SAR scene. */
import { pause } from '../base/pause.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Vote } from './consensus.ts';
import { findTemplate } from './find_template.ts';
import type { SceneFeatures, ScenePixels } from './scene_features.ts';

export interface TemplateOptions {
  /** Template side in pixels. */
  side: number;
  /** Largest shift that is searched for in each direction, in pixels. */
  search: number;
}

/** A template, and its place in the grid of templates. */
export interface Template extends RasterWindow {
  cell: { column: number; row: number };
}

/** A vote of a template. */
export interface PlacedVote extends Vote {
  template: Template;
}

/**
 * Templates on a regular grid, as many as fit evenly and at most `count`, each with room for its search.
 * @returns none where the scene is too small.
 */
export function templateGrid(
  { width, height }: Pick<ScenePixels, 'width' | 'height'>,
  { side, search }: TemplateOptions,
  count: number,
): Template[] {
  const [across, down] = [width - side - 2 * search, height - side - 2 * search];
  if (across < 0 || down < 0) return [];
  const columns = Math.max(1, Math.min(count, Math.round(Math.sqrt((count * width) / height))));
  const rows = Math.max(1, Math.floor(count / columns));
  const at = (i: number, steps: number, length: number) =>
    search + (steps === 1 ? Math.round(length / 2) : Math.round((i * length) / (steps - 1)));
  return Array.from({ length: rows * columns }, (_, i) => {
    const cell = { column: i % columns, row: Math.floor(i / columns) };
    const [column, row] = [at(cell.column, columns, across), at(cell.row, rows, down)];
    return { column, row, width: side, height: side, cell };
  });
}

/** The vote of each template whose best place lies within its search. @throws the signal's reason when aborted. */
export async function votesOf(
  templates: readonly Template[],
  features: SceneFeatures,
  search: number,
  signal?: AbortSignal,
): Promise<PlacedVote[]> {
  const votes: PlacedVote[] = [];
  for (const template of templates) {
    await pause(signal);
    const vote = await voteOf(template, features, search);
    if (vote) votes.push({ ...vote, template });
  }
  return votes;
}

async function voteOf(template: RasterWindow, features: SceneFeatures, search: number): Promise<Vote | undefined> {
  const { shift, ratio, isOnRim } = await findTemplate(template, { row: 0, column: 0 }, features, search);
  return isOnRim ? undefined : { ...shift, weight: Math.max(0, ratio) };
}
