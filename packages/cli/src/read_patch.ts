/** Reads an image file as a patch of a side that the model takes; larger images are read only within the crop. */
import { type ModelInfo, PatchError, type Store } from '@doppel/core';
import { sidesInWords, takesSide } from '@doppel/core/matcher';
import { openRaster, type Raster, type Unit } from '@doppel/core/raster';

export type Crop = 'centre';

/** @throws PatchError if the image has no side that the model takes, and cannot be cropped or is not to be. */
export async function readPatch(
  store: Store,
  file: string,
  info: ModelInfo,
  crop: Crop | undefined,
  unit?: Unit | undefined,
): Promise<Raster> {
  const raster = await openRaster(store, file, unit && { unit });
  const { side } = info;
  try {
    const { width, height } = raster;
    const canCrop = width >= side && height >= side;
    if (crop && canCrop) {
      const [column, row] = [Math.floor((width - side) / 2), Math.floor((height - side) / 2)];
      return await raster.read({ column, row, width: side, height: side });
    }
    if (width === height && takesSide(info, width)) return await raster.read();
    throw new PatchError({
      action: 'score the image',
      file,
      expected: info.sides
        ? `a square of side ${sidesInWords(info)}`
        : `${side} × ${side} pixels, as the model was trained on`,
      found: `${width} × ${height}`,
      remedy: canCrop ? 'Add --crop centre, or cut it beforehand.' : 'Cut a larger patch.',
    });
  } finally {
    await raster.close();
  }
}
