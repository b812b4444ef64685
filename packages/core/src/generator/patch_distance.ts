/**
 * Distance between SAR patches that sees content, not speckle. Speckle differs in every pixel even over the same ground, so
 * patches are compared by the means of small blocks, in which it averages out.
 */
import { blockMeans } from './block_means.ts';

/** Side of a block in pixels. */
const BLOCK = 4;

/** Root mean square difference of block means, in the unit of prepared patches (standard deviations). */
export function patchDistance(a: ArrayLike<number>, b: ArrayLike<number>, side: number): number {
  const [means, others] = [blockMeans(a, side, BLOCK), blockMeans(b, side, BLOCK)];
  let sum = 0;
  for (let i = 0; i < means.length; i++) sum += (means[i]! - others[i]!) ** 2;
  return Math.sqrt(sum / means.length);
}
