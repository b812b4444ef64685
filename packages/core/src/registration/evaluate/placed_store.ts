/** A store that gives files another georeference, by companion files that are nowhere but in it: no file is copied. */
import type { AffineTransform } from '../../raster/raster.ts';
import type { FileInfo, Store } from '../../store.ts';

export interface Place {
  readonly crs: string;
  readonly transform: AffineTransform;
}

/** @param places by path of the image. Companions of these images in the store below are not seen. */
export function placedStore(store: Store, places: ReadonlyMap<string, Place>): Store {
  const companions = new Map<string, Uint8Array>();
  for (const [path, place] of places) companions.set(`${path}.aux.xml`, auxXml(place));
  const reading: Pick<Store, 'read' | 'readRange' | 'stat'> = {
    read: async (path) => companions.get(path) ?? store.read(path),
    readRange: async (path, offset, length) =>
      companions.get(path)?.subarray(offset, offset + length) ?? store.readRange(path, offset, length),
    async stat(path): Promise<FileInfo | undefined> {
      const bytes = companions.get(path);
      return bytes ? { size: bytes.length, kind: 'file' } : store.stat(path);
    },
  };
  return Object.assign(Object.create(store) as Store, reading); // all else is the store's own
}

function auxXml({ crs, transform }: Place): Uint8Array {
  const escaped = crs.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const numbers = transform.map((each) => each.toPrecision(17)).join(', ');
  return new TextEncoder().encode(
    `<PAMDataset><SRS>${escaped}</SRS><GeoTransform>${numbers}</GeoTransform></PAMDataset>`,
  );
}
