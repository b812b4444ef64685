/** Pictures of tiles: PNG of 8 bits, on the scale that the model sees. */
import { encodePatch } from '../raster/encode_patch.ts';
import type { Gallery } from './gallery.ts';
import type { FoundPlace } from './search_gallery.ts';

const NAME = /^(\d{1,9})-(\d{1,9})-(\d{1,9})-(\d{1,4})$/;
/** Largest side of a picture in pixels. */
const MAX_SIDE = 1024;

/** Name of the tile that a place is, for `tilePicture`. */
export const tileName = ({ scene, window: { column, row, width } }: Pick<FoundPlace, 'scene' | 'window'>): string =>
  [scene, column, row, width].join('-');

/**
 * PNG of a tile; undefined where the gallery has none of this name.
 *
 * @throws FileError or StaleCacheError if its scene is missing or another one.
 */
export async function tilePicture(gallery: Gallery, name: string): Promise<Uint8Array | undefined> {
  const [scene, column, row, side] = (NAME.exec(name) ?? []).slice(1).map(Number) as [number, number, number, number];
  const facts = gallery.facts.scenes[scene];
  if (!facts || side < 1 || side > MAX_SIDE || column + side > facts.width || row + side > facts.height)
    return undefined;
  const { noData: _, ...raster } = await (await gallery.scene(scene)).read({ column, row, width: side, height: side });
  const data = raster.data.map((sample) => Math.min(255, Math.max(0, Math.round(sample) || 0)));
  return encodePatch({ ...raster, data, unit: 'digital number' }).bytes;
}
