/** Scores as rows for a file or a pipe: JSON lines or CSV, one row a pair, in the order of the manifest. */
import type { PairScore } from '@doppel/core';
import { csvCell } from './csv_cell.ts';
import type { ManifestPair } from './manifest.ts';

/** Either a score or an error. */
export type ScoreRow = { id?: string; sar: string; optical: string } & (PairScore | { error: string });

export const FORMATS = ['jsonl', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export function scoreRow(
  { id, sar, optical }: Pick<ManifestPair, 'id' | 'sar' | 'optical'>,
  result: PairScore | Error,
): ScoreRow {
  const pair = { ...(id !== undefined && { id }), sar, optical };
  return result instanceof Error ? { ...pair, error: result.message } : { ...pair, ...result };
}

const COLUMNS = ['id', 'sar', 'optical', 'score', 'probability', 'match', 'threshold', 'error'] as const;

/** Text before the first row: the column names of CSV. */
export const headOf = (format: Format): string => (format === 'csv' ? `${COLUMNS.join(',')}\n` : '');

export function formatRow(row: ScoreRow, format: Format): string {
  if (format === 'jsonl') return `${JSON.stringify(row)}\n`;
  const values = row as Record<string, unknown>;
  return `${COLUMNS.map((column) => csvCell(String(values[column] ?? ''))).join(',')}\n`;
}
