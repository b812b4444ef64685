/** Tie points and their arrows as features of a map: colours by residual, arrows drawn longer than they are. */
import type { GroundPosition, Reason, Registration, TiePoint } from '@doppel/core/registration';
import { cssOf, viridis } from '@doppel/report';

type Vector = { readonly column: number; readonly row: number };

/** Vectors that arrows show. */
export const ARROWS = { offset: 'offset before', residual: 'residual after', none: 'no arrows' } as const;
export type ArrowKind = keyof typeof ARROWS;

export const lengthOf = ({ column, row }: Vector): number => Math.hypot(column, row);

/** Share of the residuals that the colours span; larger ones have the last colour. */
const SPANNED = 0.95;

/** Residual in pixels of the last colour. */
export function spanOf(points: readonly TiePoint[]): number {
  const lengths = points.flatMap(({ residual, reason }) => (residual && reason === 'used' ? [lengthOf(residual)] : []));
  lengths.sort((a, b) => a - b);
  return Math.max(0.5, lengths[Math.floor(SPANNED * (lengths.length - 1))] ?? 0.5);
}

export const colourOf = ({ residual }: TiePoint, span: number): string | undefined =>
  residual && cssOf(viridis(lengthOf(residual) / span));

/** Number of points by reason, those that occur. */
export function countsOf(points: readonly TiePoint[]): Map<Reason, number> {
  const counts = new Map<Reason, number>();
  for (const { reason } of points) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

export const vectorOf = (point: TiePoint, kind: ArrowKind): Vector | undefined =>
  kind === 'none' ? undefined : point[kind];

/** A round factor by which most arrows of used points stay within their cell. */
export function factorOf({ points, grid }: Pick<Registration, 'points' | 'grid'>, kind: ArrowKind): number {
  const lengths = points
    .flatMap((point) => (point.reason === 'used' ? (vectorOf(point, kind) ?? []) : []))
    .map(lengthOf)
    .sort((a, b) => a - b);
  const typical = lengths[Math.floor(0.9 * (lengths.length - 1))] ?? 0;
  const cell = Math.sqrt((grid.width * grid.height) / Math.max(1, points.length));
  return typical === 0 ? 1 : Math.max(1, roundDown((0.9 * cell) / typical));
}

/** The largest of 1, 2, 5, 10 … that is not above a value. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (([5, 2, 1].find((each) => each * power <= value) ?? 1) * power) as number;
}

/** Ground at the tip of an arrow. */
export function tipOf(
  [x, y]: GroundPosition,
  { column, row }: Vector,
  { transform }: Registration['grid'],
  factor: number,
): [number, number] {
  const [, a, b, , c, d] = transform as readonly [number, number, number, number, number, number];
  return [x + factor * (a * column + b * row), y + factor * (c * column + d * row)];
}

/** Order by descending residual; points without one come last. */
export const byResidual = (a: TiePoint, b: TiePoint): number =>
  (b.residual ? lengthOf(b.residual) : -1) - (a.residual ? lengthOf(a.residual) : -1) || a.id - b.id;

/** Name of a point in a list. */
export const pointName = ({ id, reason, residual }: TiePoint): string =>
  `Cell ${id}: ${residual ? `${lengthOf(residual).toFixed(2)} px` : reason}`;

/** Facts of a point in words. */
export function pointText({ id, reason, heldOut, offset, residual, peak, probability }: TiePoint): string {
  const pair = ({ column, row }: Vector) => `${column.toFixed(2)}, ${row.toFixed(2)} px`.replaceAll('-', '−');
  const parts = [
    `Cell ${id}: ${reason}${heldOut ? ', held out' : ''}`,
    offset && `offset ${pair(offset)}`,
    residual && `residual ${pair(residual)} (${lengthOf(residual).toFixed(2)} px)`,
    peak !== undefined && `peak ${peak.toFixed(2)}`,
    probability !== undefined && `same place ${Math.round(100 * probability)} %`,
  ];
  return parts.filter(Boolean).join(' · ');
}
