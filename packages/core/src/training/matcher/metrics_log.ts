/**
 * metrics.csv: a line an epoch, for people and plots. It holds times too, so it is no part of a checkpoint; a run that is
 * taken up keeps the lines of the epochs that its checkpoint has, and writes the others again.
 */
import { formatTable, parseTable } from '../../runs/table.ts';

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

const TABLE = { columns: COLUMNS, digits: { pairsPerSecond: 2, seconds: 1 } };

export const formatMetrics = (rows: readonly EpochRow[]): string => formatTable(TABLE, rows);

/** The rows of a file that `formatMetrics` wrote. @throws FormatError with the line. */
export const parseMetrics = (text: string, file: string): EpochRow[] =>
  parseTable(TABLE, text, { file, remedy: 'Delete the file to go on without the older epochs.' });
