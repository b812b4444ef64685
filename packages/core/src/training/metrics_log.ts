/**
 * metrics.csv: a line an epoch, for people and plots. It holds times too, so it is no part of a checkpoint; a run that is
 * taken up keeps the lines of the epochs that its checkpoint has, and writes the others again.
 */
import { FormatError } from '../errors.ts';

export interface EpochRow {
  /** 0: the weights that a run starts from, where they come from a checkpoint. */
  epoch: number;
  /** Training steps done. */
  step: number;
  /** Of the last step. */
  learningRate: number;
  /** Mean cross-entropy over the epoch's batches, each class half; without the penalty: comparable with validation. */
  trainLoss: number;
  /** λ·Σw² at the end of the epoch. */
  penalty: number;
  /** Mean norm of the gradient over the epoch's steps. */
  gradientNorm: number;
  validationLoss: number;
  validationAuc: number;
  /** At the threshold that is best for it. */
  validationAccuracy: number;
  /** Training pairs a second, validation left out. */
  pairsPerSecond: number;
  /** Of work since the run began, over all sessions. */
  seconds: number;
}

const COLUMNS = [
  'epoch',
  'step',
  'learningRate',
  'trainLoss',
  'penalty',
  'gradientNorm',
  'validationLoss',
  'validationAuc',
  'validationAccuracy',
  'pairsPerSecond',
  'seconds',
] as const satisfies readonly (keyof EpochRow)[];

const digits: Partial<Record<keyof EpochRow, number>> = { pairsPerSecond: 2, seconds: 1 };

/** A header and a line for each row; numbers that are not finite stay empty. */
export function formatMetrics(rows: readonly EpochRow[]): string {
  const cell = (row: EpochRow, column: keyof EpochRow) => {
    const value = row[column];
    const places = digits[column];
    return Number.isFinite(value) ? (places === undefined ? String(value) : value.toFixed(places)) : '';
  };
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row, column)).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

/** The rows of a file that `formatMetrics` wrote. @throws FormatError with the line. */
export function parseMetrics(text: string, file: string): EpochRow[] {
  const [header, ...lines] = text.trimEnd().split('\n');
  if (header !== COLUMNS.join(',')) {
    const remedy = 'Delete the file to go on without the older epochs.';
    const found = header ?? 'nothing';
    throw new FormatError({ action: 'read', file, line: 1, expected: COLUMNS.join(','), found, remedy });
  }
  return lines.map((line, i) => {
    const cells = line.split(',');
    const values = cells.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
    if (cells.length !== COLUMNS.length || values.some((value, k) => Number.isNaN(value) && cells[k] !== '')) {
      const expected = `${COLUMNS.length} numbers`;
      throw new FormatError({ action: 'read', file, line: i + 2, expected, found: `"${line}"` });
    }
    return Object.fromEntries(COLUMNS.map((column, k) => [column, values[k]])) as unknown as EpochRow;
  });
}
