/** Reads an image of a request as a raster, within the limit on its pixels, and puts failures in words for the client. */
import { isDoppelError, MemoryStore, PatchError, reasonOf } from '@doppel/core';
import { openRaster, type Raster } from '@doppel/core/raster';
import type { ImageInput, ImageOfPair, PairFailure } from './scoring_service.ts';

/**
 * Failure of an image. Any error here comes from the client's bytes alone, so it is reported to the client.
 *
 * @param file that is read, of those of a pair.
 */
export function failureOf(error: unknown, file?: ImageOfPair): PairFailure {
  const problem = error instanceof TooManyPixels ? 'payload-too-large' : 'unusable-image';
  if (!isDoppelError(error)) return { problem, file, detail: `Cannot read the image: ${reasonOf(error)}.` };
  const { message: detail, expected, found, remedy } = error;
  const about = file ?? (error instanceof PatchError ? error.modality : undefined);
  return { problem, file: about, detail, expected, found, remedy };
}

class TooManyPixels extends PatchError {}

/** @throws PatchError beyond `maxPixels`. @throws FormatError or FileError if the bytes are no image. */
export async function rasterOf(image: ImageInput, maxPixels: number): Promise<Raster> {
  if (image.kind === 'samples') {
    const { kind: _, name, unit = 'digital number', ...samples } = image;
    requirePixels(samples, name, maxPixels);
    return { ...samples, unit };
  }
  const { name, bytes, unit } = image;
  const store = new MemoryStore();
  store.files.set(name, bytes);
  const file = await openRaster(store, name, unit && { unit });
  try {
    requirePixels(file, name, maxPixels);
    return await file.read();
  } finally {
    await file.close();
  }
}

function requirePixels({ width, height }: { width: number; height: number }, file: string, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  const [expected, found] = [`at most ${maxPixels} pixels`, `${width} × ${height}`];
  throw new TooManyPixels({ action: 'read the image', file, expected, found });
}
