/** Arrays of one length, one after another. */
export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(length * parts.length);
  parts.forEach((part, i) => {
    all.set(part, i * length);
  });
  return all;
}
