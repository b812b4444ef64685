/** Patches that were dropped on the page: decoded by the code of the command line, with its messages. */
import { decodeRaster, type Raster, type Unit } from '@doppel/core/raster';
import { limitsOf, type Picture, pictureOf } from './picture.ts';

export interface Dropped {
  name: string;
  blob: Blob;
  /** Unit of the samples, where the file does not state it. */
  unit?: Unit | undefined;
}

export interface PatchFacts {
  width: number;
  height: number;
  bands: number;
  unit: Unit;
  picture: Picture;
}

/** @throws FormatError where it is no image, or damaged. */
export async function decoded({ name, blob, unit }: Dropped): Promise<Raster> {
  return decodeRaster(new Uint8Array(await blob.arrayBuffer()), name, { unit });
}

export async function patchFacts(dropped: Dropped): Promise<PatchFacts> {
  const raster = await decoded(dropped);
  const { width, height, bands, unit } = raster;
  return { width, height, bands, unit, picture: rasterPicture(raster) };
}

export const rasterPicture = (raster: Raster): Picture => pictureOf(raster, limitsOf(raster));
