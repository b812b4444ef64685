/** Size and place of a gallery by its facts: cells are not read. */
import type { GalleryFacts } from './gallery_file.ts';
import { CELL } from './place_cells.ts';

export interface GalleryExtent {
  /** Tiles of the gallery's patch side. */
  tiles: number;
  /** Bounds of all scenes in degrees, [west, south, east, north]; undefined where none is placed. */
  bbox: [number, number, number, number] | undefined;
  /** Metres along the side of a pixel, the median of the scenes; undefined likewise. */
  metresPerPixel: number | undefined;
}

export function extentOf({ scenes, side }: Pick<GalleryFacts, 'scenes' | 'side'>): GalleryExtent {
  const along = (pixels: number) => Math.max(0, Math.floor(pixels / CELL) - side / CELL + 1);
  const metres = scenes.flatMap((scene) => scene.metres ?? []).sort((a, b) => a - b);
  return {
    tiles: scenes.reduce((sum, { width, height }) => sum + along(width) * along(height), 0),
    bbox: boundsOf(scenes.flatMap(({ bounds }) => (bounds ? [bounds] : []))),
    metresPerPixel: metres[metres.length >> 1],
  };
}

function boundsOf(all: readonly (readonly number[])[]): GalleryExtent['bbox'] {
  if (all.length === 0) return undefined;
  const [west, south, east, north] = [0, 1, 2, 3].map((i) => all.map((each) => each[i]!));
  return [Math.min(...west!), Math.min(...south!), Math.max(...east!), Math.max(...north!)];
}
