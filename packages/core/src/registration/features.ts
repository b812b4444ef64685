/**
 * Features of scenes by window, from either kind: cells of a matcher or oriented gradients. A vector does not depend on the
 * window in which it is computed; it is zero where nothing is known.
 */
import type { Sensor } from '../dataset/scenes.ts';
import { cropFeatures, emptyFeatures, type FeatureMap, pasteFeatures } from '../localisation/feature_map.ts';
import { GRADIENT_REACH, ORIENTATIONS, orientedGradients } from '../localisation/oriented_gradients.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { ReadWindow } from './levels.ts';

export interface FeatureKind {
  readonly name: 'dense' | 'gradients';
  /** Pixels between cells. */
  readonly stride: number;
  readonly channels: number;
  /** Pixels around a window that its vectors depend on, a multiple of 8. */
  readonly margin: number;
  /** Vectors of a raster whose sides and place are multiples of 8, margins included. */
  of(sensor: Sensor, raster: Raster): Promise<FeatureMap>;
}

/** Side of what is computed at once, in pixels, margins not counted. */
const TILE = 832;

/** Vectors of a window whose corner and sides are multiples of 8. */
export async function featuresOf(
  kind: FeatureKind,
  sensor: Sensor,
  read: ReadWindow,
  window: RasterWindow,
): Promise<FeatureMap> {
  const tiles = tilesOf(window);
  if (tiles.length === 1) return tileFeatures(kind, sensor, read, window);
  const [width, height] = [window.width / kind.stride, window.height / kind.stride];
  let whole: FeatureMap | undefined;
  for (const tile of tiles) {
    const part = await tileFeatures(kind, sensor, read, tile);
    whole ??= emptyFeatures(width, height, part.channels);
    pasteFeatures(part, whole, (tile.column - window.column) / kind.stride, (tile.row - window.row) / kind.stride);
  }
  return whole!;
}

function tilesOf({ column, row, width, height }: RasterWindow): RasterWindow[] {
  const [across, down] = [evenly(width), evenly(height)];
  return down.flatMap(([top, tall]) =>
    across.map(([left, wide]) => ({ column: column + left, row: row + top, width: wide, height: tall })),
  );
}

/** Parts of a length, alike and multiples of 8. */
function evenly(length: number): [from: number, length: number][] {
  const count = Math.ceil(length / TILE);
  const step = Math.ceil(length / count / 8) * 8;
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => [i * step, Math.min(step, length - i * step)]);
}

async function tileFeatures(kind: FeatureKind, sensor: Sensor, read: ReadWindow, tile: RasterWindow) {
  const { margin, stride } = kind;
  const { column, row, width, height } = tile;
  const wide = { column: column - margin, row: row - margin, width: width + 2 * margin, height: height + 2 * margin };
  const raster = await read(wide);
  if (raster.noData?.every((each) => each === 1)) return emptyFeatures(width / stride, height / stride, kind.channels);
  const map = await kind.of(sensor, raster);
  return cropFeatures(map, margin / stride, margin / stride, width / stride, height / stride);
}

/** Oriented gradients, one cell a pixel. */
export const GRADIENTS: FeatureKind = {
  name: 'gradients',
  stride: 1,
  channels: ORIENTATIONS,
  margin: Math.ceil(GRADIENT_REACH / 8) * 8,
  of: async (sensor, raster) => orientedGradients({ ...raster, unit: 'amplitude' }, sensor),
};

/** The means of a kind's vectors over 2 × 2 cells: correlations cost a quarter, and peaks are found as often. */
export const halved = (kind: FeatureKind): FeatureKind => ({
  ...kind,
  stride: 2 * kind.stride,
  of: async (sensor, raster) => pairMeans(await kind.of(sensor, raster)),
});

/** Means over 2 × 2 cells of a map whose sides are even. */
export function pairMeans(map: FeatureMap): FeatureMap {
  const { channels } = map;
  const [width, height] = [map.width / 2, map.height / 2];
  const data = new Float32Array(width * height * channels);
  const line = map.width * channels;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [from, to] = [(2 * row * map.width + 2 * column) * channels, (row * width + column) * channels];
      for (let k = 0; k < channels; k++) {
        const i = from + k;
        const sum = map.data[i]! + map.data[i + channels]! + map.data[i + line]! + map.data[i + line + channels]!;
        data[to + k] = sum / 4;
      }
    }
  }
  return { data, width, height, channels };
}
