/** Moves images to a thread without a copy: copying tens of megabytes would hold up the event loop. */
import type { PairInput } from './scoring_service.ts';

/** Buffers that the images of the pairs own. Once they are sent, the images cannot be used here. */
export function buffersOf(pairs: readonly PairInput[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { sar, optical } of pairs) {
    for (const image of [sar, optical]) {
      const { buffer, byteLength } = image.kind === 'file' ? image.bytes : image.data;
      // A part of a larger buffer is copied: the rest of it may be in use.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffers.add(buffer);
    }
  }
  return [...buffers];
}
