/**
 * Symmetries of the square: an image mirrored, turned or both. Vectors of one place under several of them, laid side by
 * side, correlate like the mean of the correlations under each, whose errors partly differ.
 */
import { inverseOf, type Turn, turned } from '../raster/turned.ts';
import type { FeatureMap } from './feature_map.ts';

/** Numbers of views that there are to choose from. */
export const VIEW_COUNTS = [1, 2, 4, 8] as const;
export type ViewCount = (typeof VIEW_COUNTS)[number];

/**
 * The image as it is, then transposed, which helped most on validation scenes (docs/models.md). The first 2, the first 4
 * and all 8 are groups.
 */
const VIEWS: readonly Turn[] = [
  { flip: false, turns: 0 },
  { flip: true, turns: 1 },
  { flip: false, turns: 2 },
  { flip: true, turns: 3 },
  { flip: true, turns: 0 },
  { flip: true, turns: 2 },
  { flip: false, turns: 1 },
  { flip: false, turns: 3 },
];

export const firstViews = (count: ViewCount): readonly Turn[] => VIEWS.slice(0, count);

/**
 * Vectors under each view side by side, as vectors of unit length.
 *
 * @param of makes the map of an image under a view, which is turned back here.
 */
export async function sideBySide(views: readonly Turn[], of: (view: Turn) => Promise<FeatureMap>): Promise<FeatureMap> {
  const maps: FeatureMap[] = [];
  for (const each of views) maps.push(turned(await of(each), inverseOf(each)));
  const [first] = maps;
  if (maps.length === 1) return first!;
  const { width, height, channels } = first!;
  const all = channels * maps.length;
  const data = new Float32Array(width * height * all);
  const scale = 1 / Math.sqrt(maps.length);
  maps.forEach((map, i) => {
    for (let cell = 0; cell < width * height; cell++) {
      for (let k = 0; k < channels; k++) {
        data[cell * all + i * channels + k] = scale * map.data[cell * channels + k]!;
      }
    }
  });
  return { data, width, height, channels: all };
}
