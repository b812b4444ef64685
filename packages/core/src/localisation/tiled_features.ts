/**
 * Features of a scene by tiles, each computed once: templates and windows overlap. Memory is bounded whatever the size of
 * the scene.
 */
import type { Sensor } from '../dataset/scenes.ts';
import { emptyFeatures, type FeatureMap, pasteFeatures } from './feature_map.ts';
import type { SceneFeatures, ScenePixels } from './scene_features.ts';

/** Side of a tile in pixels. */
const TILE = 512;
/** Tiles of both sensors that are kept; the least recently used leaves first. */
const KEPT = 16;

/** The same features, computed by tiles. */
export function tiledFeatures(scene: Pick<ScenePixels, 'width' | 'height'>, features: SceneFeatures): SceneFeatures {
  const { stride } = features;
  const tiles = new Map<string, Promise<FeatureMap>>();

  function tileAt(sensor: Sensor, column: number, row: number): Promise<FeatureMap> {
    const key = `${sensor} ${column} ${row}`;
    const [width, height] = [sideOf(scene.width - column), sideOf(scene.height - row)];
    const tile = tiles.get(key) ?? features.read(sensor, { column, row, width, height });
    tiles.delete(key);
    tiles.set(key, tile);
    if (tiles.size > KEPT) tiles.delete(tiles.keys().next().value!);
    return tile;
  }

  /** Whole cells that are left, at most a tile. */
  const sideOf = (left: number) => Math.min(TILE, left - (left % stride));

  return {
    stride,
    async read(sensor, window) {
      let map: FeatureMap | undefined;
      for (let row = floorTo(window.row); row < window.row + window.height; row += TILE) {
        for (let column = floorTo(window.column); column < window.column + window.width; column += TILE) {
          const tile = await tileAt(sensor, column, row);
          map ??= emptyFeatures(window.width / stride, window.height / stride, tile.channels);
          pasteFeatures(tile, map, (column - window.column) / stride, (row - window.row) / stride);
        }
      }
      return map!;
    },
  };
}

const floorTo = (position: number) => Math.floor(position / TILE) * TILE;
