/** Tie points as comma-separated values (RFC 4180): a row a cell, empty where nothing was measured. */
import type { TiePoint } from '../registration.ts';
import { cellOf, POINT_COLUMNS } from './point_columns.ts';

export function pointsCsv(points: readonly TiePoint[]): string {
  const rows = points.map((point) => POINT_COLUMNS.map((column) => String(cellOf(column, point) ?? '')));
  return [POINT_COLUMNS.map(({ name }) => name), ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}
