/**
 * Pictures and pages for users: plots as SVG, contact sheets as PNG, reports of matchers and generators as HTML in one
 * file. Pure functions of their data, without a DOM.
 *
 * @module
 * @example
 * ```ts
 * import { lineChart } from '@doppel/report';
 *
 * const svg = lineChart({
 *   title: 'Loss',
 *   xLabel: 'Epoch',
 *   yLabel: 'Cross-entropy (nats)',
 *   series: [{ name: 'training', points: [[1, 0.69], [2, 0.52]] }],
 * });
 * console.log(svg.startsWith('<svg'), svg.includes('Cross-entropy')); // true true
 * ```
 */
export { heatMap } from './correlation/heat_map.ts';
export { type CorrelationReport, correlationHtml } from './correlation/report.ts';
export { evaluationFigures } from './evaluation/figures.ts';
export { type PicturedPair, type Report, reportHtml } from './evaluation/report.ts';
export { qualityPictures } from './generator_quality/pictures.ts';
export { type Quiz, quizOf } from './generator_quality/quiz.ts';
export { type QualityReport, qualityHtml } from './generator_quality/report.ts';
export { count, type Format, fraction, interval, percentage, plural, UNKNOWN } from './page/format.ts';
export { facts, figure, list, paragraph, section, table } from './page/html.ts';
export { STYLE } from './page/style.ts';
export { hardestNegatives, negativesSheet } from './pictures/negatives_sheet.ts';
export { pairsSheet } from './pictures/pairs_sheet.ts';
export { patchGrid } from './pictures/patch_grid.ts';
export { dataUri, pictureOf } from './pictures/picture.ts';
export { type Axis, linearAxis, percent } from './plots/axis.ts';
export { chart } from './plots/chart.ts';
export { lineChart } from './plots/line_chart.ts';
export { element, escapeText, INK } from './plots/svg.ts';
export { cssOf, VIRIDIS_GRADIENT, viridis } from './plots/viridis.ts';
export { limitsOf } from './registration/limits.ts';
export type { GridWindow } from './registration/map_frame.ts';
export { REASON_TEXT } from './registration/reason_text.ts';
export { registrationHtml } from './registration/report.ts';
export type { SceneView } from './registration/scene_views.ts';
export { verdictText } from './registration/verdict_text.ts';
export { generatorCurves } from './training/generator_curves.ts';
export { trainingCurves } from './training/matcher_curves.ts';
export { generatorPictures, trainingPictures } from './training/pictures.ts';
