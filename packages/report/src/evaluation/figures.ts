/** The plots of an evaluation, each by the name of its file. */

import { curve, type Evaluation } from '@doppel/core/evaluation';
import {
  confusionMatrix,
  type PlotOptions,
  precisionRecallPlot,
  reliabilityDiagram,
  rocPlot,
  scoreHistogram,
} from '../plots/plots.ts';

export type FigureName = 'roc' | 'precision-recall' | 'scores' | 'calibration' | 'confusion';

const TITLES: Record<FigureName, string> = {
  roc: 'ROC, logarithmic',
  'precision-recall': 'Precision and recall',
  scores: 'Scores by class',
  calibration: 'Calibration',
  confusion: 'Confusion matrix',
};

/**
 * @param name of the model, for the legends. @param titled true for plots outside a report, which need a title.
 */
export function evaluationFigures(evaluation: Evaluation, name: string, titled: boolean): Record<FigureName, string> {
  const { summary, pairs, calibration } = evaluation;
  const { metrics, confusion, positives, negatives } = summary;
  const points = curve(summary.ranking);
  const scoresOf = (label: 0 | 1) => pairs.filter((pair) => pair.label === label).map((pair) => pair.score);
  const { threshold, temperature } = calibration;
  const title = (figure: FigureName): PlotOptions => (titled ? { title: TITLES[figure] } : {});
  const inUse = { name: 'threshold in use', fpr: metrics.fpr, recall: metrics.recall };
  return {
    roc: rocPlot({ ...title('roc'), curves: [{ name, points }], negatives, marks: [inUse] }),
    'precision-recall': precisionRecallPlot({
      ...title('precision-recall'),
      curves: [{ name, points }],
      prevalence: positives / (positives + negatives),
    }),
    scores: scoreHistogram({
      ...title('scores'),
      positives: scoresOf(1),
      negatives: scoresOf(0),
      threshold: temperature * Math.log(threshold / (1 - threshold)),
    }),
    calibration: reliabilityDiagram({ ...title('calibration'), bins: summary.reliability }),
    confusion: confusionMatrix({ ...title('confusion'), confusion }),
  };
}
