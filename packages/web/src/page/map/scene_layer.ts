/** A scene as a layer of a map, drawn tile by tile in the worker and moved to the map's reference system by OpenLayers. */
import TileLayer from 'ol/layer/Tile.js';
import ImageTile from 'ol/source/ImageTile.js';
import TileGrid from 'ol/tilegrid/TileGrid.js';
import { pageWorker } from '../frame/worker_client.ts';
import { unwrap } from '../worker/answer.ts';
import type { Picture } from '../worker/picture.ts';
import { levelsOf, type SceneFacts, TILE } from '../worker/scene_facts.ts';
import { projectionOf } from './projections.ts';

export type SceneLayer = TileLayer<ImageTile>;

/** @param className of the element that holds the layer, by which the style sheet clips it. */
export function sceneLayer(scene: SceneFacts, className: string): SceneLayer {
  const { id, crs, definition, extent, resolution } = scene;
  const levels = levelsOf(scene);
  const resolutions = Array.from({ length: levels }, (_, level) => resolution * 2 ** (levels - 1 - level));
  const source = new ImageTile({
    projection: projectionOf(crs, definition),
    tileGrid: new TileGrid({ extent, origin: [extent[0], extent[3]], resolutions, tileSize: TILE }),
    loader: async (level, column, row) => canvasOf(await unwrap(pageWorker().sceneTile(id, level, column, row))),
    ...{ wrapX: false, transition: 0, interpolate: false },
  });
  return new TileLayer({ source, className });
}

export function canvasOf({ width, height, rgba }: Picture): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}
