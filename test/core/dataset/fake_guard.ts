import type { PlaceGuard } from '../../../packages/core/src/dataset/place_guard.ts';

/** A place guard by a rule of its own, for records 0 … `count` − 1. */
export const guardWhere = (conflict: (i: number, j: number) => boolean, count = 1000): PlaceGuard => ({
  margin: 1,
  conflict,
  conflictsOf: (i) => new Set(Array.from({ length: count }, (_, j) => j).filter((j) => conflict(i, j))),
});
