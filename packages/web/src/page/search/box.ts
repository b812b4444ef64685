/** Squares that a model takes, from what was drawn. */

export interface SideRule {
  /** Pixels that it was calibrated for. */
  side: number;
  /** Absent: only that side. */
  sides?: { min: number; multipleOf: number } | undefined;
}

/** Most pixels along the side of a patch. */
const MOST = 512;

/** The side that is nearest to what was drawn; the usual one for a click. @param drawn pixels. */
export function sideOf(drawn: number, { side, sides }: SideRule): number {
  if (!sides || drawn < sides.min / 4) return side;
  const { min, multipleOf } = sides;
  return Math.min(MOST, Math.max(min, Math.round(drawn / multipleOf) * multipleOf));
}

/** The square around the middle of an extent, in units of the ground. */
export function squareOf(extent: readonly number[], half: number): [number, number, number, number] {
  const [x, y] = middleOf(extent);
  return [x - half, y - half, x + half, y + half];
}

export const middleOf = ([left, bottom, right, top]: readonly number[]): [number, number] => [
  (left! + right!) / 2,
  (bottom! + top!) / 2,
];
