/** Moves images to a thread without a copy: copying tens of megabytes would hold up the event loop. */
import type { ImageInput, WorkInput } from './scoring_service.ts';

/** Buffers that the images own. Once they are sent, the images cannot be used here. */
export function buffersOf(work: readonly WorkInput[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const each of work) {
    for (const image of imagesIn(each)) {
      const { buffer, byteLength } = image.kind === 'file' ? image.bytes : image.data;
      // A part of a larger buffer is copied: the rest of it may be in use.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffers.add(buffer);
    }
  }
  return [...buffers];
}

const imagesIn = (work: WorkInput): ImageInput[] =>
  'tile' in work ? [work.tile] : [work.sar, work.optical, ...(work.map?.window ? [work.map.window] : [])];
