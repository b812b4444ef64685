/** Images are handed to a thread, not copied: tens of megabytes of copying would hold the event loop up. */
import type { PairInput } from './scoring_service.ts';

/** The buffers that the pairs' images own; whoever sends them cannot use the images any more. */
export function buffersOf(pairs: readonly PairInput[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { sar, optical } of pairs) {
    for (const image of [sar, optical]) {
      const { buffer, byteLength } = image.kind === 'file' ? image.bytes : image.data;
      // A part of a larger buffer is copied: the rest may be somebody else's.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffers.add(buffer);
    }
  }
  return [...buffers];
}
