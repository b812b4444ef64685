/** Scenes of an open data set: their windows, their ground and their splits. */

import { PatchError } from '../errors.ts';
import type { Footprint } from '../geo/footprint.ts';
import { FootprintIndex } from '../geo/footprint_index.ts';
import { BlockCache } from '../raster/block_cache.ts';
import { openRaster } from '../raster/open.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { WindowReader } from '../raster/window_reader.ts';
import { joinPath, type Store } from '../store.ts';
import type { PairRecord, WindowsHeader } from './pairs_file.ts';
import { coveredPart, groundOf, type SceneEntry, type SceneFileEntry } from './scene_list.ts';
import type { SplitName } from './splits_file.ts';

export type Sensor = 'sar' | 'optical';

export const otherSensor = (sensor: Sensor): Sensor => (sensor === 'sar' ? 'optical' : 'sar');

/** Pair of scene files on a common grid, of which pairs of patches are windows. */
export interface Scene {
  readonly id: string;
  /** The place: pairs of one group never part between splits. */
  readonly group: string;
  /** Size of the common grid in pixels. */
  readonly width: number;
  readonly height: number;
  /** Part of the grid that both files cover. */
  readonly covered: RasterWindow;
  /** Indices of the pairs that are windows of this scene. */
  readonly records: readonly number[];
  /** Ground of a window, which may reach beyond the grid; undefined where the scene is not placed. */
  footprintOf(window: RasterWindow): Footprint | undefined;
}

/** @param records of the list, all windows. */
export function listScenes({ scenes }: WindowsHeader, records: readonly PairRecord[]): Scene[] {
  const indices = new Map<string, number[]>(scenes.map(({ id }) => [id, []]));
  records.forEach(({ window }, i) => {
    indices.get(window!.scene)!.push(i);
  });
  return scenes.map((entry) => ({
    ...{ id: entry.id, group: entry.group, width: entry.width, height: entry.height },
    ...{ covered: coveredPart(entry), records: indices.get(entry.id)! },
    footprintOf: (window) => groundOf(entry, window),
  }));
}

/** Reads a window of a scene; pixels that a file does not cover are missing. */
export type ReadWindow = (scene: string, sensor: Sensor, window: RasterWindow) => Promise<Raster>;

/**
 * Reader of windows of all scenes, with one cache of decoded blocks.
 *
 * @param root folder of the scenes.
 */
export function windowsOf(
  store: Store,
  root: string,
  header: WindowsHeader,
  cacheBytes: number | undefined,
): ReadWindow {
  const cache = new BlockCache({ ...(cacheBytes !== undefined && { maxBytes: cacheBytes }) });
  const readerOf = (sensor: Sensor, entry: SceneFileEntry) => {
    const path = joinPath(root, entry.file);
    const { unit, noData } = header[sensor];
    const options = { unit, noData, companions: Object.keys(entry.companions ?? {}) };
    const { width, height } = entry;
    const source = { width, height, unit, bands: entry.bands.map((band) => band - 1) };
    return new WindowReader({ ...source, open: () => openRaster(store, path, options) }, cache);
  };
  const scenes = new Map(
    header.scenes.map((entry) => [
      entry.id,
      { entry, sar: readerOf('sar', entry.sar), optical: readerOf('optical', entry.optical) },
    ]),
  );
  return async (id, sensor, window) => {
    const scene = scenes.get(id);
    if (!scene) throw noScene(id, scenes.size);
    requireInside(scene.entry, window);
    const [column, row] = scene.entry[sensor].at;
    const { width, height } = window;
    return scene[sensor].read({ column: window.column + column, row: window.row + row, width, height });
  };
}

function requireInside({ id, width, height }: SceneEntry, window: RasterWindow): void {
  const isInside =
    Object.values(window).every((each) => Number.isInteger(each) && each >= 0) &&
    window.column + window.width <= width &&
    window.row + window.height <= height;
  if (isInside && window.width > 0 && window.height > 0) return;
  throw new PatchError({
    ...{ action: 'read a window of', file: `the scene "${id}"`, expected: `one inside of ${width} × ${height} pixels` },
    found: `${window.width} × ${window.height} pixels at column ${window.column}, row ${window.row}`,
  });
}

const noScene = (id: string, count: number) =>
  new PatchError({
    ...{ action: 'read a window of', file: `the scene "${id}"` },
    ...{ expected: 'a scene of the data set', found: `none of its ${count} by this id` },
    remedy: count > 0 ? 'See `scenes` of the data set.' : 'Only data sets of windows have scenes (version 2).',
  });

/**
 * Scenes that random crops of a split may come from: every pair of the scene is in the split, and its ground touches no
 * pair of another one.
 *
 * @param splitOf split of a record. @param margin gap around a scene that must be free of other splits, in patch sides.
 */
export function scenesOfSplit(
  scenes: readonly Scene[],
  records: readonly PairRecord[],
  splitOf: (index: number) => SplitName | undefined,
  split: SplitName,
  { side, margin }: { side: number; margin: number },
): Scene[] {
  const own = scenes.filter(({ records: all }) => all.length > 0 && all.every((index) => splitOf(index) === split));
  const heldOut = records.filter((_, i) => splitOf(i) !== split && splitOf(i) !== 'unused');
  const reach = margin * side;
  const grounds = own.map((scene) =>
    scene.footprintOf({
      ...{ column: -reach, row: -reach, width: scene.width + 2 * reach, height: scene.height + 2 * reach },
    }),
  );
  const index = new FootprintIndex([...grounds, ...heldOut.map(({ footprint }) => footprint)], 0, 'the scenes');
  return own.filter((_, i) => index.near(i).every((other) => other < own.length));
}
