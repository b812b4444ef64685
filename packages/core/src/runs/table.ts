/** Tables of metrics.csv: a header and lines of numbers; those that are not finite stay empty. */
import { FormatError } from '../errors.ts';

export interface TableShape<Column extends string> {
  columns: readonly Column[];
  /** Decimal places, where not all are wanted. */
  digits: Partial<Record<Column, number>>;
}

export function formatTable<Column extends string>(
  { columns, digits }: TableShape<Column>,
  rows: readonly Record<Column, number>[],
): string {
  const cell = (row: Record<Column, number>, column: Column) => {
    const value = row[column];
    const places = digits[column];
    return Number.isFinite(value) ? (places === undefined ? String(value) : value.toFixed(places)) : '';
  };
  const lines = rows.map((row) => columns.map((column) => cell(row, column)).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

/**
 * Reads the rows of a file that `formatTable` wrote; NaN where a cell is empty.
 *
 * @param remedy for a file with other columns. @throws FormatError with the line.
 */
export function parseTable<Column extends string>(
  { columns }: TableShape<Column>,
  text: string,
  { file, remedy }: { file: string; remedy: string },
): Record<Column, number>[] {
  const [header, ...lines] = text.trimEnd().split('\n');
  if (header !== columns.join(',')) {
    const found = header ?? 'nothing';
    throw new FormatError({ action: 'read', file, line: 1, expected: columns.join(','), found, remedy });
  }
  return lines.map((line, i) => {
    const cells = line.split(',');
    const values = cells.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
    if (cells.length !== columns.length || values.some((value, k) => Number.isNaN(value) && cells[k] !== '')) {
      const expected = `${columns.length} numbers`;
      throw new FormatError({ action: 'read', file, line: i + 2, expected, found: `"${line}"` });
    }
    return Object.fromEntries(columns.map((column, k) => [column, values[k]])) as Record<Column, number>;
  });
}
