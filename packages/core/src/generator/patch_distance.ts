/**
 * Distance between SAR patches that sees content, not speckle. Speckle differs in every pixel even over the same ground, so
 * patches are compared by the means of small blocks, in which it averages out.
 */

/** Side of a block in pixels; pixels left over at the edge belong to the last block. */
const BLOCK = 4;

/** Means over blocks of 4 × 4 pixels, row by row. @param side of the patch in pixels. */
export function blockMeans(patch: ArrayLike<number>, side: number): Float32Array {
  const blocks = Math.max(1, Math.floor(side / BLOCK));
  const sums = new Float32Array(blocks * blocks);
  const counts = new Uint32Array(blocks * blocks);
  const blockOf = (position: number) => Math.min(Math.floor(position / BLOCK), blocks - 1);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const block = blockOf(y) * blocks + blockOf(x);
      sums[block]! += patch[y * side + x]!;
      counts[block]!++;
    }
  }
  return sums.map((sum, i) => sum / counts[i]!);
}

/** Root mean square difference of block means, in the unit of prepared patches (standard deviations). */
export function patchDistance(a: ArrayLike<number>, b: ArrayLike<number>, side: number): number {
  const [means, others] = [blockMeans(a, side), blockMeans(b, side)];
  let sum = 0;
  for (let i = 0; i < means.length; i++) sum += (means[i]! - others[i]!) ** 2;
  return Math.sqrt(sum / means.length);
}
