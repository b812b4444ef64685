/**
 * Symmetries of the square: an image mirrored, turned or both. Vectors of one place under several of them, laid side by
 * side, correlate like the mean of the correlations under each, whose errors partly differ.
 */
import type { FeatureMap } from './feature_map.ts';

/** Changes of an image, in this order: columns reversed, rows reversed, rows and columns exchanged. */
export interface SquareView {
  readonly mirrored: boolean;
  readonly flipped: boolean;
  readonly transposed: boolean;
}

/** Numbers of views that there are to choose from. */
export const VIEW_COUNTS = [1, 2, 4, 8] as const;
export type ViewCount = (typeof VIEW_COUNTS)[number];

const view = (mirrored: boolean, flipped: boolean, transposed: boolean): SquareView => ({
  ...{ mirrored, flipped, transposed },
});

/**
 * The image as it is, then transposed, which helped most on validation scenes (docs/models.md). The first 2, the first 4
 * and all 8 are groups.
 */
const VIEWS: readonly SquareView[] = [
  view(false, false, false),
  view(false, false, true),
  view(true, true, false),
  view(true, true, true),
  view(true, false, false),
  view(false, true, false),
  view(true, false, true),
  view(false, true, true),
];

export const firstViews = (count: ViewCount): readonly SquareView[] => VIEWS.slice(0, count);

/** A map, or the samples of an image, under a view. */
export function viewed(map: FeatureMap, { mirrored, flipped, transposed }: SquareView): FeatureMap {
  if (!mirrored && !flipped && !transposed) return map;
  const { channels } = map;
  const [width, height] = transposed ? [map.height, map.width] : [map.width, map.height];
  const data = new Float32Array(map.data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = transposed ? [row, column] : [column, row];
      const from = (flipped ? map.height - 1 - y : y) * map.width + (mirrored ? map.width - 1 - x : x);
      for (let k = 0; k < channels; k++) data[(row * width + column) * channels + k] = map.data[from * channels + k]!;
    }
  }
  return { data, width, height, channels };
}

/** The view that undoes another one. */
export const inverseOf = ({ mirrored, flipped, transposed }: SquareView): SquareView =>
  transposed ? { mirrored: flipped, flipped: mirrored, transposed } : { mirrored, flipped, transposed };

/**
 * Vectors under each view side by side, as vectors of unit length.
 *
 * @param of makes the map of an image under a view, which is turned back here.
 */
export async function sideBySide(
  views: readonly SquareView[],
  of: (view: SquareView) => Promise<FeatureMap>,
): Promise<FeatureMap> {
  const maps: FeatureMap[] = [];
  for (const each of views) maps.push(viewed(await of(each), inverseOf(each)));
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
