/**
 * Means over blocks of pixels, row by row: what is left of a patch without its speckle. Pixels left over at the edge
 * belong to the last block.
 *
 * @param side of the patch in pixels. @param block side of a block.
 */
export function blockMeans(patch: ArrayLike<number>, side: number, block: number): Float32Array {
  const blocks = Math.max(1, Math.floor(side / block));
  const sums = new Float32Array(blocks * blocks);
  const counts = new Uint32Array(blocks * blocks);
  const blockOf = (position: number) => Math.min(Math.floor(position / block), blocks - 1);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = blockOf(y) * blocks + blockOf(x);
      sums[at]! += patch[y * side + x]!;
      counts[at]!++;
    }
  }
  return sums.map((sum, i) => sum / counts[i]!);
}
