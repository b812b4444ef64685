/**
 * Inflates zlib streams up to a limit: the inflated size is not known beforehand, and a kilobyte can become a megabyte.
 * fflate inflates; this file adds the limit and the checksum, which fflate ignores.
 */
import { Unzlib } from 'fflate';

/** Compressed bytes that are inflated at a time. */
const STEP = 2 ** 16;

/**
 * @param limit of the inflated size, in bytes.
 * @throws Error if the inflated data are larger, the stream is damaged, or its checksum differs.
 */
export function inflate(compressed: Uint8Array, limit: number): Uint8Array {
  const output = new Uint8Array(limit);
  let length = 0;
  const stream = new Unzlib((part) => {
    if (length + part.length > limit)
      throw new Error(`a block that inflates to more than the ${limit} bytes of its pixels`);
    output.set(part, length);
    length += part.length;
  });
  for (let start = 0; start < compressed.length; start += STEP) {
    stream.push(compressed.subarray(start, start + STEP), start + STEP >= compressed.length);
  }
  const bytes = output.subarray(0, length);
  requireChecksum(compressed, bytes);
  return bytes;
}

function requireChecksum(compressed: Uint8Array, bytes: Uint8Array): void {
  if (compressed.length < 6) throw new Error('a zlib stream of less than 6 bytes');
  const view = new DataView(compressed.buffer, compressed.byteOffset, compressed.length);
  const sum = adler32(bytes);
  // Writers pad blocks by a byte or more: then the checksum is not at the very end.
  for (let at = compressed.length - 4; at >= Math.max(2, compressed.length - 8); at--) {
    if (view.getUint32(at) === sum) return;
  }
  throw new Error('a checksum that does not agree with the inflated bytes');
}

/** The checksum of zlib (RFC 1950, section 8.2). */
export function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let start = 0; start < bytes.length; start += 3800) {
    const end = Math.min(start + 3800, bytes.length); // sums of this many bytes stay well below 2⁵³
    for (let i = start; i < end; i++) {
      a += bytes[i]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
