/** The training curves of a run folder, as SVG. */

import type { EpochRow } from '@doppel/core/training';
import { lineChart } from '../plots/plots.ts';

/** SVG by the plot's name. */
export function trainingCurves(rows: readonly EpochRow[]): Record<string, string> {
  const points = (column: keyof EpochRow) => rows.map((row): [number, number] => [row.epoch, row[column]]);
  const xLabel = 'Epoch';
  return {
    loss: lineChart({
      title: 'Loss',
      xLabel,
      yLabel: 'Cross-entropy (nats)',
      series: [
        { name: 'training', points: points('trainLoss') },
        { name: 'validation', points: points('validationLoss') },
      ],
    }),
    auc: lineChart({
      title: 'ROC-AUC on validation',
      xLabel,
      yLabel: 'ROC-AUC',
      series: [{ name: 'validation', points: points('validationAuc') }],
    }),
    'learning-rate': lineChart({
      title: 'Learning rate',
      xLabel,
      yLabel: 'Learning rate',
      series: [{ name: 'at the end of the epoch', points: points('learningRate') }],
    }),
  };
}
