/** metrics.csv: a line an epoch, for people and plots. It holds times, too, so it is no part of a checkpoint. */
import { type MetricsTable, parseRows } from '../../runs/run_files.ts';

export type EpochRow = {
  /** 0: the weights that a run starts from, where they come from a checkpoint. */
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
  /** At the threshold that is best for it. */
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
