/**
 * Accuracy of templates: the share that is found within some pixels of the true place, for the cells of a matcher and for
 * oriented gradients on the same templates.
 */
import type { Model } from '@doppel/core';
import type { Dataset } from '@doppel/core/dataset';
import {
  drawTemplates,
  type FoundTemplate,
  findTemplates,
  gradientFeatures,
  pixelsOf,
  type Shift,
  tiledFeatures,
  type ViewCount,
} from '@doppel/core/localisation';
import { matcherFeatures } from '@doppel/core/registration';
import type { ScoringWatch } from './score_test_sets.ts';

/** Distances in pixels within which a template counts as found. */
export const WITHIN = [1, 2, 3, 5] as const;

export const METHODS = ['matcher', 'gradients'] as const;
type Method = (typeof METHODS)[number];

export interface TemplateAccuracy {
  method: Method;
  /** Template side and search in each direction, in pixels. */
  side: number;
  search: number;
  alignment: 'raw' | 'repaired';
  templates: number;
  /** Shares within 1, 2, 3 and 5 pixels. */
  found: number[];
  /** The same of the half of the templates whose peak stands out most. */
  best: number[];
}

export interface TemplateTask {
  split: 'test' | 'validation';
  sides: readonly number[];
  search: number;
  /** Symmetries of the square under which the matcher's cells are computed. */
  views: ViewCount;
  /** Templates of a scene. */
  count: number;
  seed: number;
  /** Misalignment of scenes by id, of those for which it is known. */
  repaired?: ReadonlyMap<string, Shift> | undefined;
}

interface Placed extends FoundTemplate {
  scene: string;
}

/** @throws the signal's reason when aborted. */
export async function measureTemplates(
  dataset: Dataset,
  model: Model,
  task: TemplateTask,
  { signal, onProgress }: ScoringWatch = {},
): Promise<TemplateAccuracy[]> {
  const scenes = dataset.scenes.filter(({ records: [first] }) => dataset.splitOf(first ?? -1) === task.split);
  const found = new Map<string, Placed[]>();
  for (const [done, scene] of scenes.entries()) {
    onProgress?.(done, scenes.length);
    const pixels = pixelsOf(dataset, scene);
    const features = { matcher: matcherFeatures(model, pixels, task.views), gradients: gradientFeatures(pixels) };
    for (const method of METHODS) {
      const tiled = tiledFeatures(pixels, features[method]);
      for (const side of task.sides) {
        const templates = drawTemplates(scene.id, pixels, { side, search: task.search }, task);
        const own = await findTemplates(templates, tiled, task.search, signal);
        const all = found.get(`${method} ${side}`) ?? [];
        found.set(`${method} ${side}`, [...all, ...own.map((each) => ({ ...each, scene: scene.id }))]);
      }
    }
  }
  onProgress?.(scenes.length, scenes.length);
  return task.sides.flatMap((side) =>
    METHODS.flatMap((method) => rowsOf(found.get(`${method} ${side}`) ?? [], { method, side }, task)),
  );
}

function rowsOf(
  found: readonly Placed[],
  which: { method: Method; side: number },
  { search, repaired }: TemplateTask,
): TemplateAccuracy[] {
  const raw = { ...which, search, alignment: 'raw' as const, ...accuracyOf(found, () => ({ row: 0, column: 0 })) };
  if (!repaired) return [raw];
  const known = found.filter(({ scene }) => repaired.has(scene));
  const own = accuracyOf(known, (scene) => repaired.get(scene)!);
  return [raw, { ...which, search, alignment: 'repaired', ...own }];
}

function accuracyOf(found: readonly Placed[], truth: (scene: string) => Shift) {
  const errorOf = ({ scene, shift }: Placed) => {
    const { row, column } = truth(scene);
    return Math.hypot(shift.row - row, shift.column - column);
  };
  const half = found.toSorted((a, b) => b.ratio - a.ratio).slice(0, Math.ceil(found.length / 2));
  return {
    templates: found.length,
    found: shares(found.map(errorOf)),
    best: shares(half.map(errorOf)),
  };
}

const shares = (errors: readonly number[]) =>
  WITHIN.map((most) => errors.filter((error) => error <= most).length / Math.max(1, errors.length));
