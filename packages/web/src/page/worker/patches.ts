/** Patches that were dropped on the page: decoded by the code of the command line, with its messages. */
import { decodeRaster, type Raster, type Unit } from '@doppel/core/raster';
import { limitsOf, type Picture, pictureOf } from './picture.ts';

export interface Dropped {
  name: string;
  blob: Blob;
  /** Unit of the samples, where the file does not state it. */
  unit?: Unit | undefined;
}

/** A patch that was read, with its picture. */
export interface ReadPatch {
  raster: Raster;
  picture: Picture;
}

/** @throws FormatError where it is no image, or damaged. */
export async function readPatch({ name, blob, unit }: Dropped): Promise<ReadPatch> {
  const raster = await decodeRaster(new Uint8Array(await blob.arrayBuffer()), name, { unit });
  return { raster, picture: rasterPicture(raster) };
}

export const rasterPicture = (raster: Raster): Picture => pictureOf(raster, limitsOf(raster));
