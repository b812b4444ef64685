/**
 * Caveats on a registration: what its verdict does not cover. A few points may pass every check that can be made of them, and
 * still leave open how far off the result is.
 */
import { CE90_POINTS } from './quality.ts';
import type { TiePoint } from './registration.ts';
import { type Lean, wayOutOf } from './verdict.ts';

/** Held-out points below which their intervals are told as those of a few. */
const FEW = 10;

/**
 * @param points as they were judged. @param lean of the points that was taken for terrain, in pixels, if one is worth telling.
 * @returns sentences without full stop; none for a usual scene.
 */
export function caveatsOf(points: readonly Pick<TiePoint, 'heldOut' | 'reason'>[], lean?: Lean): string[] {
  const held = points.filter(({ heldOut }) => heldOut);
  const judging = held.filter(({ reason }) => reason === 'used').length;
  const off = held.length - judging;
  return [
    ...(judging < CE90_POINTS
      ? [`no held-out check: ${counted(judging)} too few; how far off it is, is not known`]
      : judging < FEW
        ? [`the intervals come from ${judging} held-out points only: they are rough`]
        : []),
    ...(off > 0
      ? [`${off} of ${held.length} held-out points ${off === 1 ? 'was' : 'were'} off the model and not in the figures`]
      : []),
    ...(lean
      ? [`the points lean the corners by ${lean.distance.toFixed(1)} px, which was taken for terrain${wayOutOf(lean)}`]
      : []),
  ];
}

const counted = (count: number) => `${count} held-out ${count === 1 ? 'point is' : 'points are'}`;
