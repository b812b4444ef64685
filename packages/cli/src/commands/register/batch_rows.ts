/** Rows of a batch of registrations: one a pair, as JSON lines and as CSV. */
import { readText, type Store } from '@doppel/core';
import { parseJson } from '@doppel/core/base';
import { FormatError } from '@doppel/core/errors';
import type { Summary } from '@doppel/core/registration';
import { z } from 'zod';
import { csvCell } from '../../csv_cell.ts';

/** Files of the summary inside the batch's folder. */
export const SUMMARY = { rows: 'summary.jsonl', table: 'summary.csv' } as const;

const rowSchema = z.object({
  id: z.string(),
  sar: z.string(),
  optical: z.string(),
  date: z.string().optional(),
  status: z.enum(['trusted', 'refused', 'failed']),
  reason: z.string().optional(),
  /** Message of a pair that failed. */
  error: z.string().optional(),
  model: z.string().nullish(),
  used: z.number().optional(),
  cells: z.number().optional(),
  biasX: z.number().optional(),
  biasY: z.number().optional(),
  rmseX: z.number().optional(),
  rmseY: z.number().optional(),
  ce90: z.number().optional(),
  heldOut: z.number().optional(),
  seconds: z.number().optional(),
  /** Folder of the result, inside the batch's. */
  folder: z.string().optional(),
});
export type BatchRow = z.output<typeof rowSchema>;

const COLUMNS = Object.keys(rowSchema.shape) as (keyof BatchRow)[];

type Named = Pick<BatchRow, 'id' | 'sar' | 'optical' | 'date'>;

export function rowOf(pair: Named, summary: Summary): BatchRow {
  const { status, reason, model, points, quality, seconds } = summary;
  const { unit: _, ...figures } = quality ?? {};
  const cells = Object.values(points).reduce((sum, count) => sum + count, 0);
  return {
    ...pair,
    status,
    ...(reason !== undefined && { reason }),
    ...{ model, used: points.used, cells, ...figures, seconds, folder: pair.id },
  };
}

export const failedRow = (pair: Named, error: string): BatchRow => ({ ...pair, status: 'failed', error });

export const lineOf = (row: BatchRow): string => `${JSON.stringify(row)}\n`;

/** Names of the columns of the table. */
export const TABLE_HEAD = `${COLUMNS.join(',')}\n`;

export const tableLine = (row: BatchRow): string =>
  `${COLUMNS.map((column) => csvCell(String(row[column] ?? ''))).join(',')}\n`;

/** @throws FormatError where a line is no row. @throws FileError if there is no file. */
export async function readRows(store: Store, file: string): Promise<BatchRow[]> {
  const lines = (await readText(store, file)).split('\n');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const fail = (found: string, cause?: unknown) =>
      new FormatError({
        ...{ action: 'read the summary', file, line: i + 1, expected: 'a row of `doppel register batch`' },
        ...{ found, cause },
      });
    return [parseJson(rowSchema, line, fail)];
  });
}
