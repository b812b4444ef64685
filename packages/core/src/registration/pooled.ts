/** Means of features over larger cells, for the coarse search; their mean over the window is taken off. */
import { pause } from '../base/pause.ts';
import { emptyFeatures, type FeatureMap } from '../localisation/feature_map.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { FeatureSource } from './feature_source.ts';

/** Side of what is read at once, in pixels. */
const PART = 1536;

/** Number of parts in which a window is read. */
export const partsOf = ({ width, height }: RasterWindow) => Math.ceil(width / PART) * Math.ceil(height / PART);

/**
 * @param window whose corner and sides are multiples of the cell. @param cell side in pixels.
 * @param onPart is called after each part.
 * @throws the signal's reason when aborted.
 */
export async function pooledFeatures(
  source: FeatureSource,
  window: RasterWindow,
  cell: number,
  signal?: AbortSignal,
  onPart?: () => void,
): Promise<FeatureMap> {
  const [width, height] = [window.width / cell, window.height / cell];
  let whole: FeatureMap | undefined;
  for (let top = 0; top < window.height; top += PART) {
    for (let left = 0; left < window.width; left += PART) {
      await pause(signal);
      const part = {
        ...{ column: window.column + left, row: window.row + top },
        ...{ width: Math.min(PART, window.width - left), height: Math.min(PART, window.height - top) },
      };
      const map = await source.read(part);
      whole ??= emptyFeatures(width, height, map.channels);
      pool(map, cell / source.kind.stride, whole, left / cell, top / cell);
      onPart?.();
    }
  }
  return centred(whole!);
}

/** Adds the means of blocks of `factor` × `factor` cells. */
function pool(map: FeatureMap, factor: number, whole: FeatureMap, left: number, top: number): void {
  const { channels } = map;
  const scale = 1 / (factor * factor);
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      const from = (row * map.width + column) * channels;
      const to = ((top + Math.floor(row / factor)) * whole.width + left + Math.floor(column / factor)) * channels;
      for (let k = 0; k < channels; k++) whole.data[to + k]! += scale * map.data[from + k]!;
    }
  }
}

/** Takes the mean vector off all cells but those where nothing is known. */
function centred(map: FeatureMap): FeatureMap {
  const { data, channels } = map;
  const mean = new Float64Array(channels);
  let count = 0;
  const isKnown = (at: number) => data.subarray(at, at + channels).some((value) => value !== 0);
  for (let at = 0; at < data.length; at += channels) {
    if (!isKnown(at)) continue;
    count++;
    for (let k = 0; k < channels; k++) mean[k]! += data[at + k]!;
  }
  for (let at = 0; at < data.length; at += channels) {
    if (!isKnown(at)) continue;
    for (let k = 0; k < channels; k++) data[at + k]! -= mean[k]! / count;
  }
  return map;
}
