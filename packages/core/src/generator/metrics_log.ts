/** `metrics.csv` of a generator's run: a row every few steps. */
import { FormatError } from '../errors.ts';
import type { GeneratorLosses, TrainedNetwork } from './step.ts';

/** Terms of the losses, as `generatorStep` names them; those that an objective lacks stay empty. */
export const LOSS_TERMS = [
  'encoder.reconstruction',
  'encoder.kl',
  'critic.real',
  'critic.fake',
  'critic.penalty',
  'critic.drift',
  'decoder.adversarial',
  'decoder.reconstruction',
] as const;
export type LossTerm = (typeof LOSS_TERMS)[number];

const COLUMNS = ['step', 'images', 'side', 'alpha', ...LOSS_TERMS, 'imagesPerSecond', 'seconds'] as const;

/** Losses are means since the row before; NaN where there is no such term. */
export type GeneratorRow = Record<(typeof COLUMNS)[number], number>;

export function flatLosses(losses: GeneratorLosses<number>): Partial<Record<LossTerm, number>> {
  const flat: Partial<Record<LossTerm, number>> = {};
  for (const network of Object.keys(losses) as TrainedNetwork[]) {
    for (const [term, value] of Object.entries(losses[network]!)) flat[`${network}.${term}` as LossTerm] = value;
  }
  return flat;
}

const digits: Partial<Record<keyof GeneratorRow, number>> = { imagesPerSecond: 2, seconds: 1 };

/** A header and a line for each row; numbers that are not finite stay empty. */
export function formatGeneratorMetrics(rows: readonly GeneratorRow[]): string {
  const cell = (row: GeneratorRow, column: keyof GeneratorRow) => {
    const value = row[column];
    const places = digits[column];
    return Number.isFinite(value) ? (places === undefined ? String(value) : value.toFixed(places)) : '';
  };
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row, column)).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

/** The rows of a file that `formatGeneratorMetrics` wrote. @throws FormatError with the line. */
export function parseGeneratorMetrics(text: string, file: string): GeneratorRow[] {
  const [header, ...lines] = text.trimEnd().split('\n');
  if (header !== COLUMNS.join(',')) {
    const remedy = 'Delete the file to go on without the older rows.';
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
    return Object.fromEntries(COLUMNS.map((column, k) => [column, values[k]])) as GeneratorRow;
  });
}
