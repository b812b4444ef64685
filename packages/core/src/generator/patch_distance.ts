/**
 * Distance between SAR patches that sees content, not speckle. Speckle differs in every pixel even over the same ground, so
 * patches are compared by the means of small blocks, in which it averages out.
 */
import { blockMeans } from './block_means.ts';

/** Side of a block in pixels. */
const BLOCK = 4;

/** Side of the blocks by which the changed share is counted. */
const CHANGED_BLOCK = 8;
/** Difference of their means, in standard deviations, that counts as a change. */
const CHANGED = 0.25;

/** Root mean square difference of block means, in the unit of prepared patches (standard deviations). */
export function patchDistance(a: ArrayLike<number>, b: ArrayLike<number>, side: number): number {
  const [means, others] = [blockMeans(a, side, BLOCK), blockMeans(b, side, BLOCK)];
  let sum = 0;
  for (let i = 0; i < means.length; i++) sum += (means[i]! - others[i]!) ** 2;
  return Math.sqrt(sum / means.length);
}

/** Share of a patch whose content differs from that of another: of blocks of 8 × 8 pixels, in [0, 1]. */
export function changedShare(a: ArrayLike<number>, b: ArrayLike<number>, side: number): number {
  const [means, others] = [blockMeans(a, side, CHANGED_BLOCK), blockMeans(b, side, CHANGED_BLOCK)];
  return means.filter((mean, i) => Math.abs(mean - others[i]!) > CHANGED).length / means.length;
}
