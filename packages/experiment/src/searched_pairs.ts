/**
 * Pairs beside their correlation maps: the SAR patch of the place, its look-alike and the patch that lies some pixels off,
 * each searched for in one optical window. They show what the figures of the test sets come from.
 */
import type { Model, PairScore } from '@doppel/core';
import { Rng } from '@doppel/core/base';
import { type Dataset, placeGuard } from '@doppel/core/dataset';
import type { Raster } from '@doppel/core/raster';
import { type TemplateMap, templateMap } from '@doppel/core/registration';
import { findLookAlikes } from './look_alikes.ts';
import type { ScoringWatch } from './score_test_sets.ts';

export interface SearchTask {
  split: 'test' | 'validation';
  pairs: number;
  /** Largest displacement that is searched in each direction, in pixels: a multiple of 4. */
  search: number;
  /** Pixels by which the shifted patch is off: at most `search`. */
  shift: number;
  seed: number;
}

export interface SearchedPatch {
  kind: 'true' | 'look-alike' | 'shifted';
  /** Name of the SAR patch. */
  id: string;
  sar: Raster;
  map: TemplateMap;
  /** Score of this patch with the middle of the window. */
  score: PairScore;
}

export interface SearchedPair {
  id: string;
  /** Optical window: the patch and `search` pixels around it. */
  window: Raster;
  patches: SearchedPatch[];
}

/** Most patches of a split among which look-alikes are chosen. */
const CANDIDATES = 2000;

/**
 * Draws pairs of a split of windows that have room around them, and searches for the three patches of each.
 *
 * @returns fewer than asked for where the split has fewer. @throws UsageError for a matcher without cells.
 * @throws the signal's reason when aborted.
 */
export async function searchPairs(
  dataset: Dataset,
  model: Model,
  task: SearchTask,
  { signal, onProgress }: ScoringWatch = {},
): Promise<SearchedPair[]> {
  const rng = Rng.derive(task.seed, 'correlation maps');
  const all = rng.shuffle([...dataset.indicesOf(task.split)]);
  const anchors = all.filter((index) => hasRoom(dataset, index, task)).slice(0, task.pairs);
  const [patches, side, guard] = [model.patchesOf(dataset), model.normalisation.side, placeGuard(dataset.records)];
  const candidates = all.slice(0, CANDIDATES);
  const alike = new Map(await findLookAlikes({ anchors, candidates, patches, side, guard, maxUses: 1, signal }));
  const found: SearchedPair[] = [];
  for (const [done, anchor] of anchors.entries()) {
    signal?.throwIfAborted();
    onProgress?.(done, anchors.length);
    found.push(await searchPair(dataset, model, { anchor, lookAlike: alike.get(anchor), rng }, task));
  }
  onProgress?.(anchors.length, anchors.length);
  return found;
}

/** True where the window of the search, and a patch shifted in any direction, lie in the scene. */
function hasRoom({ records, scenes, header }: Dataset, index: number, { search }: SearchTask): boolean {
  const { window, label } = records[index]!;
  const scene = scenes.find(({ id }) => id === window?.scene);
  if (!window || !scene || label !== 1) return false;
  const { column, row, width, height } = scene.covered;
  const reach = header.side + search;
  const inside = (at: number, from: number, length: number) => at - search >= from && at + reach <= from + length;
  return inside(window.column, column, width) && inside(window.row, row, height);
}

async function searchPair(
  dataset: Dataset,
  model: Model,
  { anchor, lookAlike, rng }: { anchor: number; lookAlike: number | undefined; rng: Rng },
  { search, shift }: SearchTask,
): Promise<SearchedPair> {
  const { side } = dataset.header;
  const record = dataset.records[anchor]!;
  const { scene, column, row } = record.window!;
  const wide = side + 2 * search;
  const around = { column: column - search, row: row - search, width: wide, height: wide };
  const window = await dataset.readWindow(scene, 'optical', around);
  const optical = await dataset.readOptical(anchor);
  const searchFor = async (kind: SearchedPatch['kind'], id: string, sar: Raster): Promise<SearchedPatch> => {
    const [score] = await model.score([{ sar, optical, names: { sar: id, optical: record.id } }]);
    return { kind, id, sar, map: await templateMap(model, sar, window), score: score! };
  };
  const patches = [await searchFor('true', record.id, await dataset.readSar(anchor))];
  if (lookAlike !== undefined) {
    patches.push(await searchFor('look-alike', dataset.records[lookAlike]!.id, await dataset.readSar(lookAlike)));
  }
  const [right, down] = DIRECTIONS[rng.int(DIRECTIONS.length)]!;
  const off = { column: column + right * shift, row: row + down * shift, width: side, height: side };
  const name = `${record.id}, ${shift} px off`;
  patches.push(await searchFor('shifted', name, await dataset.readWindow(scene, 'sar', off)));
  return { id: record.id, window, patches };
}

const DIRECTIONS = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;
