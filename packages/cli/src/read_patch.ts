/** Reads an image file as a patch of the model's side; larger images are read only within the crop. */
import { PatchError, type Store } from '@doppel/core';
import { openRaster, type Raster } from '@doppel/core/raster';

export type Crop = 'centre';

/** @throws PatchError if the image is smaller than the side, or larger and no crop is asked for. */
export async function readPatch(store: Store, file: string, side: number, crop: Crop | undefined): Promise<Raster> {
  const raster = await openRaster(store, file);
  try {
    const { width, height } = raster;
    if (width === side && height === side) return await raster.read();
    const canCrop = width >= side && height >= side;
    if (!canCrop || !crop) {
      throw new PatchError({
        action: 'score the image',
        file,
        expected: `${side} × ${side} pixels, as the model was trained on`,
        found: `${width} × ${height}`,
        remedy: canCrop ? 'Add --crop centre, or cut it beforehand.' : 'Cut a larger patch.',
      });
    }
    const [column, row] = [Math.floor((width - side) / 2), Math.floor((height - side) / 2)];
    return await raster.read({ column, row, width: side, height: side });
  } finally {
    await raster.close();
  }
}
