/** Facts of an open scene that page and worker share: its place, and the pyramid of its tiles. */

export type Extent = [minX: number, minY: number, maxX: number, maxY: number];

export interface SceneFacts {
  id: number;
  name: string;
  width: number;
  height: number;
  bands: number;
  crs: string;
  /** Text of the reference system for proj4. */
  definition: string;
  extent: Extent;
  /** Side of a pixel in units of the reference system. */
  resolution: number;
  /** Metres of a pixel, about; for a system in degrees, at the middle of the scene. */
  metres: number;
}

/** Pixels of a tile along a side. */
export const TILE = 256;

/** Levels of the pyramid: at level 0 the scene fits into a tile, at the last one pixels are the file's. */
export const levelsOf = ({ extent, resolution }: Pick<SceneFacts, 'extent' | 'resolution'>): number => {
  const longer = Math.max(extent[2] - extent[0], extent[3] - extent[1]) / resolution;
  return Math.max(1, Math.ceil(Math.log2(longer / TILE)) + 1);
};
