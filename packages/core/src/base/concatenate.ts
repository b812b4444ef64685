/** Arrays one after another. */
export const concatenate = (parts: readonly Float32Array[]): Float32Array =>
  filled(new Float32Array(lengthOf(parts)), parts);

/** Bytes one after another. */
export const concatenateBytes = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  filled(new Uint8Array(lengthOf(parts)), parts);

const lengthOf = (parts: readonly ArrayLike<number>[]) => parts.reduce((sum, { length }) => sum + length, 0);

function filled<T extends Float32Array | Uint8Array>(all: T, parts: readonly ArrayLike<number>[]): T {
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
