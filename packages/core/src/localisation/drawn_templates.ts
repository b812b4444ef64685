/** Templates at random places of a scene, each looked for about a random offset: how well features find a place. */
import { pause } from '../base/pause.ts';
import { Rng } from '../base/random.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Shift } from './consensus.ts';
import { type FoundTemplate, findTemplate } from './find_template.ts';
import type { SceneFeatures, ScenePixels } from './scene_features.ts';
import type { TemplateOptions } from './template_votes.ts';

export interface DrawnTemplate {
  template: RasterWindow;
  /** Offset of the middle of the search from the template's own place, in pixels. */
  centre: Shift;
}

/** Largest misalignment of scenes for which the true place lies within every window, in pixels. */
const ROOM = 8;
/** Places and centres are multiples of it, the largest stride of features. */
const STEP = 2;

/** Templates of a scene by a seed and its name. @returns none where the scene is too small. */
export function drawTemplates(
  scene: string,
  { width, height }: Pick<ScenePixels, 'width' | 'height'>,
  { side, search }: TemplateOptions,
  { count, seed }: { count: number; seed: number },
): DrawnTemplate[] {
  const [reach, margin] = [search - ROOM, 2 * search - ROOM];
  const [across, down] = [width - side - 2 * margin, height - side - 2 * margin];
  if (across < 0 || down < 0) return [];
  const rng = Rng.derive(seed, 'templates', scene, side, search);
  const even = (most: number) => STEP * rng.int(Math.floor(most / STEP) + 1);
  return Array.from({ length: count }, () => ({
    template: { column: margin + even(across), row: margin + even(down), width: side, height: side },
    centre: { column: even(2 * reach) - reach, row: even(2 * reach) - reach },
  }));
}

/** @throws the signal's reason when aborted. */
export async function findTemplates(
  templates: readonly DrawnTemplate[],
  features: SceneFeatures,
  search: number,
  signal?: AbortSignal,
): Promise<FoundTemplate[]> {
  const found: FoundTemplate[] = [];
  for (const { template, centre } of templates) {
    await pause(signal);
    found.push(await findTemplate(template, centre, features, search));
  }
  return found;
}
