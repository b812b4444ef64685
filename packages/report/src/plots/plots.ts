/**
 * Plots as SVG strings, by d3-scale and d3-shape: pure functions of their data, without a DOM. `lineChart` serves any
 * curve over steps or epochs; the others belong to the evaluation of a matcher.
 *
 * ```ts
 * lineChart({
 *   title: 'Loss', xLabel: 'Epoch', yLabel: 'Cross-entropy',
 *   series: [{ name: 'train', points: [[1, 0.69], [2, 0.52]] }, { name: 'validation', points: [[1, 0.66], [2, 0.58]] }],
 * });
 * ```
 */
export type { PlotOptions } from './chart.ts';
export { type ConfusionMatrix, confusionMatrix } from './confusion_matrix.ts';
export { type LineChart, lineChart, type Series } from './line_chart.ts';
export { type PrecisionRecallPlot, precisionRecallPlot } from './precision_recall.ts';
export { type ReliabilityDiagram, reliabilityDiagram, wilsonInterval } from './reliability_diagram.ts';
export { type RocCurve, type RocPlot, rocPlot } from './roc.ts';
export { type ScoreHistogram, scoreHistogram } from './score_histogram.ts';
export { escapeText } from './svg.ts';
