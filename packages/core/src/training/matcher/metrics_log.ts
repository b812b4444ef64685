/** metrics.csv: one line an epoch, for users and plots. It holds times, so it is no part of a checkpoint. */
import { type MetricsTable, parseRows } from '../../runs/run_files.ts';

export type EpochRow = {
  /** Epoch from 1; 0: the initial weights, if they come from a checkpoint. */
  epoch: number;
  /** Training steps done. */
  step: number;
  /** Learning rate of the last step. */
  learningRate: number;
  /** Mean cross-entropy over the epoch's batches, each class half; without the penalty: comparable with validation. */
  trainLoss: number;
  /** λ·Σw² at the end of the epoch. */
  penalty: number;
  /** Mean norm of the gradient over the epoch's steps. */
  gradientNorm: number;
  validationLoss: number;
  validationAuc: number;
  /** Validation accuracy at the threshold that maximises it, in [0, 1]. */
  validationAccuracy: number;
  /** Training pairs a second, validation left out. */
  pairsPerSecond: number;
  /** Seconds of work since the run began, over all sessions. */
  seconds: number;
};

export const METRICS: MetricsTable<keyof EpochRow> = {
  columns: [
    ...(['epoch', 'step', 'learningRate', 'trainLoss', 'penalty', 'gradientNorm'] as const),
    ...(['validationLoss', 'validationAuc', 'validationAccuracy', 'pairsPerSecond', 'seconds'] as const),
  ],
  digits: { pairsPerSecond: 2, seconds: 1 },
  position: 'epoch',
};

/** Rows of a run's metrics.csv. @throws FormatError with the line. */
export const parseMetrics = (text: string, file: string): EpochRow[] => parseRows(METRICS, text, file);
