/** Small areas of a pair of scenes as images in memory. */
import { openPlaced } from '../../geo/place.ts';
import { encodePatch } from '../../raster/encode_patch.ts';
import type { RasterWindow } from '../../raster/window.ts';
import { MemoryStore, type Store } from '../../store.ts';
import { groundOf } from './displacement.ts';
import { type Place, placedStore } from './placed_store.ts';

export interface CroppedPair {
  readonly store: Store;
  readonly sar: string;
  readonly optical: string;
  readonly places: { readonly sar: Place; readonly optical: Place };
}

/** @param window in the pixels of both files. */
export async function cropPair(
  store: Store,
  files: { readonly sar: string; readonly optical: string },
  window: RasterWindow,
): Promise<CroppedPair> {
  const memory = new MemoryStore();
  const [sar, optical] = [
    await crop(store, memory, files.sar, 'sar', window),
    await crop(store, memory, files.optical, 'optical', window),
  ];
  const places = { sar: sar.place, optical: optical.place };
  return {
    store: placedStore(
      memory,
      new Map([
        [sar.path, sar.place],
        [optical.path, optical.place],
      ]),
    ),
    sar: sar.path,
    optical: optical.path,
    places,
  };
}

async function crop(store: Store, to: MemoryStore, path: string, name: string, window: RasterWindow) {
  const file = await openPlaced(store, path);
  try {
    const { bytes, extension } = encodePatch(await file.read(window));
    const cropped = `${name}.${extension}`;
    await to.write(cropped, bytes);
    const [, xc, xr, , yc, yr] = file.transform!;
    const [x, y] = groundOf(file.transform!, window.column, window.row);
    return { path: cropped, place: { crs: file.crs!, transform: [x, xc, xr, y, yc, yr] } satisfies Place as Place };
  } finally {
    await file.close();
  }
}
