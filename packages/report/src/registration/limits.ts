/** Limits of a registration that a reader must keep in mind beside its caveats: few cells, points on one side, one vote. */
import type { Registration } from '@doppel/core/registration';
import { count, percentage, plural } from '../page/format.ts';
import { isUsed } from './map_frame.ts';

/** Share of cells below which a result rests on a small part of the scene. */
const FEW_USED = 0.2;

export function limitsOf(registration: Registration): string[] {
  const { points, features } = registration;
  const used = points.filter(isUsed);
  return [
    ...(points.length > 0 && used.length < FEW_USED * points.length
      ? [
          `Only ${count(used.length)} of ${plural(points.length, 'cell')} (${percentage(used.length / points.length)}) gave a tie point: elsewhere the correction is an extrapolation.`,
        ]
      : []),
    ...unchecked(used),
    ...emptyQuarters(registration),
    ...(features === 'gradients' ? ['Only oriented gradients voted: no matcher confirmed the tie points.'] : []),
  ];
}

/** Points near the edge, from which the search back would leave the SAR scene. */
function unchecked(used: Registration['points']): string[] {
  const there = used.filter(({ backward }) => backward === undefined).length;
  if (there === 0) return [];
  return [
    `${count(there)} of ${plural(used.length, 'tie point')} could not be checked by matching back: the SAR scene ends too near. They are used all the same.`,
  ];
}

const QUARTERS = ['north-west', 'north-east', 'south-west', 'south-east'] as const;

/** Quarters of the grid of cells without any tie point. */
function emptyQuarters({ points }: Registration): string[] {
  const used = points.filter(isUsed);
  if (used.length === 0) return [];
  const [columns, rows] = [
    1 + Math.max(...points.map(({ cell }) => cell.column)),
    1 + Math.max(...points.map(({ cell }) => cell.row)),
  ];
  if (columns < 2 || rows < 2) return [];
  const quarterOf = ({ cell }: (typeof points)[number]) =>
    QUARTERS[(cell.row * 2 >= rows ? 2 : 0) + (cell.column * 2 >= columns ? 1 : 0)]!;
  const held = new Set(used.map(quarterOf));
  const empty = QUARTERS.filter((quarter) => !held.has(quarter));
  return empty.length === 0 ? [] : [`No tie point lies in the ${empty.join(', ')} of the scene.`];
}
