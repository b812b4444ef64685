/**
 * LZW decoder of TIFF (TIFF 6.0, section 13): codes of 9 to 12 bits, highest bit first, that grow one code early. Own
 * code, so that the output never exceeds the size of a block.
 */
import { NotSupported } from './raster_file.ts';

const [CLEAR, END, FIRST, MAX_CODE] = [256, 257, 258, 4096];

/** @param limit of the decoded size, in bytes; the rest is dropped. @throws Error for an invalid code. */
export function decodeLzw(compressed: Uint8Array, limit: number): Uint8Array {
  if (compressed[0] === 0 && (compressed[1]! & 1) === 1) throw new NotSupported('LZW codes in the old bit order');
  const output = new Uint8Array(limit);
  const readCode = codeReader(compressed);
  // A code stands for the output of the code before it and the next byte: offset and length in the output.
  const [start, size] = [new Uint32Array(MAX_CODE), new Uint32Array(MAX_CODE)];
  let [length, width, next] = [0, 9, FIRST];
  for (let code = readCode(width); code !== END && length < limit; code = readCode(width)) {
    if (code === CLEAR) {
      [width, next] = [9, FIRST];
      continue;
    }
    if (code >= next) throw new Error(`the LZW code ${code} before it is known`);
    const begin = length;
    if (code < CLEAR) output[length++] = code;
    else {
      const end = Math.min(begin + size[code]!, limit);
      for (let from = start[code]!; length < end; ) output[length++] = output[from++]!; // may read what it writes
    }
    if (next === MAX_CODE) continue;
    start[next] = begin;
    size[next] = length - begin + 1;
    next++;
    if (next === 1 << width && width < 12) width++;
  }
  return output.subarray(0, length);
}

/** Reader of codes of a width; END at the end of the bytes. */
function codeReader(bytes: Uint8Array): (width: number) => number {
  let [bits, held, at] = [0, 0, 0];
  return (width) => {
    while (held < width) {
      if (at >= bytes.length) return END;
      bits = ((bits << 8) | bytes[at++]!) & 0xfffff;
      held += 8;
    }
    held -= width;
    return (bits >> held) & ((1 << width) - 1);
  };
}
