/** Columns of a tie point in every table: one list for CSV, GeoJSON and GeoPackage. */
import type { TiePoint } from '../registration.ts';

export interface PointColumn {
  readonly name: string;
  readonly type: 'integer' | 'real' | 'text' | 'boolean';
  /** Undefined where it was not measured. */
  measured(point: TiePoint): number | string | boolean | undefined;
}

const real = (name: string, measured: (point: TiePoint) => number | undefined): PointColumn => ({
  ...{ name, type: 'real', measured },
});

/** Pixels are those of the files, 0, 0 the upper left corner of the upper left pixel; offsets those of the working grid. */
export const POINT_COLUMNS: readonly PointColumn[] = [
  { name: 'id', type: 'integer', measured: ({ id }) => id },
  { name: 'cell_column', type: 'integer', measured: ({ cell }) => cell.column },
  { name: 'cell_row', type: 'integer', measured: ({ cell }) => cell.row },
  { name: 'reason', type: 'text', measured: ({ reason }) => reason },
  { name: 'held_out', type: 'boolean', measured: ({ heldOut }) => heldOut },
  real('sar_column', ({ sar }) => sar[0]),
  real('sar_row', ({ sar }) => sar[1]),
  real('optical_column', ({ optical }) => optical?.[0]),
  real('optical_row', ({ optical }) => optical?.[1]),
  real('sar_x', ({ sarGround }) => sarGround[0]),
  real('sar_y', ({ sarGround }) => sarGround[1]),
  real('optical_x', ({ opticalGround }) => opticalGround?.[0]),
  real('optical_y', ({ opticalGround }) => opticalGround?.[1]),
  real('offset_column', ({ offset }) => offset?.column),
  real('offset_row', ({ offset }) => offset?.row),
  real('covariance_cc', ({ covariance }) => covariance?.[0]),
  real('covariance_cr', ({ covariance }) => covariance?.[1]),
  real('covariance_rr', ({ covariance }) => covariance?.[2]),
  real('peak', ({ peak }) => peak),
  real('ratio', ({ ratio }) => ratio),
  real('backward', ({ backward }) => backward),
  real('probability', ({ probability }) => probability),
  real('residual_column', ({ residual }) => residual?.column),
  real('residual_row', ({ residual }) => residual?.row),
];

/** Value of a column; null where it was not measured or is no finite number. */
export function cellOf({ measured }: PointColumn, point: TiePoint): number | string | boolean | null {
  const value = measured(point);
  return value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
}
