/** Prepared SAR patches in one array, as all figures of quality take them. */
import { type PatchStack, patchAt } from '../made_patches.ts';

export type { PatchStack } from '../made_patches.ts';
export { patchAt } from '../made_patches.ts';

/** @param patches of one side each. */
export function stackOf(patches: readonly ArrayLike<number>[], side: number): PatchStack {
  const data = new Float32Array(patches.length * side * side);
  patches.forEach((patch, i) => {
    if (patch.length !== side * side) throw new RangeError(`patch ${i} of ${patch.length} samples, not ${side}²`);
    data.set(patch, i * side * side);
  });
  return { data, side, count: patches.length };
}

/** The rows from `start` on, without copying. */
export function slice({ data, side, count }: PatchStack, start: number, end = count): PatchStack {
  const last = Math.min(end, count);
  return { data: data.subarray(start * side * side, last * side * side), side, count: last - start };
}

export const patchesOf = (stack: PatchStack): Float32Array[] =>
  Array.from({ length: stack.count }, (_, row) => patchAt(stack, row));
