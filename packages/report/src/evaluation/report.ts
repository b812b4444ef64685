/**
 * The report of an evaluation: one HTML file that needs nothing else, with the plots as SVG and the patches as PNG
 * inside. Made for reading on a desk, on a phone and on paper; it says what was tested, how, and what the numbers do
 * not show.
 */
import {
  type Evaluation,
  type MetricName,
  measurePlaces,
  type OperatingPoint,
  RELIABILITY_BINS,
  type ScoredPair,
} from '@doppel/core/evaluation';
import { sigmoid } from '@doppel/core/matcher';
import { count, type Format, fraction, interval, percentage, plural } from '../page/format.ts';
import { facts, figure, list, paragraph, section, table } from '../page/html.ts';
import { STYLE } from '../page/style.ts';
import { percent } from '../plots/axis.ts';
import { escapeText } from '../plots/svg.ts';
import { evaluationFigures } from './figures.ts';
import { limitsOf } from './limits.ts';

export interface Report {
  evaluation: Evaluation;
  model: { file: string; preset: string; side: number; fingerprint: string };
  data: { folder: string; fingerprint: string; attribution?: string };
  run: { backend: string; device?: string; date: Date; version: string; commit?: string };
  /** Source of temperature and threshold, as a sentence. */
  calibrationSource: string;
  /** Further facts that a reader must know, such as a data set other than the one trained on. */
  warnings: readonly string[];
  hardest: { falsePositives: readonly PicturedPair[]; falseNegatives: readonly PicturedPair[] };
}

export interface PicturedPair {
  pair: ScoredPair;
  sarId: string;
  opticalId: string;
  /** Data URI or address of the SAR patch. */
  sarPicture: string;
  opticalPicture: string;
}

/** One page, self-contained. */
export function reportHtml(report: Report): string {
  const { evaluation, model, data } = report;
  const title = `Evaluation of ${model.preset} on ${data.folder}, ${evaluation.split}`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeText(title)}</title><style>${STYLE}</style></head><body>`,
    header(report),
    '<main>',
    headlines(evaluation),
    notes(report),
    tested(report),
    curves(evaluation, model.preset),
    thresholds(evaluation),
    allMetrics(evaluation),
    mistakes(report),
    places(evaluation),
    method(report),
    '</main>',
    footer(report),
    '</body></html>\n',
  ].join('\n');
}

function header({ evaluation, model }: Report): string {
  const { summary, split } = evaluation;
  const { metrics, bootstrap } = summary;
  const range = bootstrap.intervals.accuracy;
  const lead =
    `Of ${plural(summary.pairs, 'pair')} from ${plural(summary.places, 'place')} of the ${split} split, ` +
    `${model.preset} tells ${percentage(metrics.accuracy)} rightly as showing the same ground or not` +
    `${range ? ` (95 % interval ${interval(range, percentage)})` : ''}.`;
  return `<header><h1>Does the matcher recognise matching pairs?</h1>${paragraph(lead, 'lead')}</header>`;
}

interface MetricText {
  label: string;
  format: Format;
  meaning: string;
}

const METRICS: Record<MetricName, MetricText> = {
  accuracy: { label: 'Accuracy', format: percentage, meaning: 'pairs called rightly at the threshold' },
  precision: { label: 'Precision', format: percentage, meaning: 'of the pairs called a match, those that are one' },
  recall: { label: 'Recall', format: percentage, meaning: 'of the true matches, those that were found' },
  fpr: { label: 'False positive rate', format: percentage, meaning: 'of the other pairs, those called a match' },
  auc: { label: 'ROC-AUC', format: fraction, meaning: 'chance that a match scores above another pair; 0.5 is chance' },
  averagePrecision: { label: 'Average precision', format: fraction, meaning: 'precision, averaged over recall' },
  fpr95: {
    label: 'FPR at 95 % recall',
    format: percentage,
    meaning: 'false alarms when 95 % of the matches are found',
  },
  'recallAtFpr0.001': { label: 'Recall at FPR 0.1 %', format: percentage, meaning: 'matches found at that rate' },
  'recallAtFpr0.01': { label: 'Recall at FPR 1 %', format: percentage, meaning: 'matches found at that rate' },
  'recallAtFpr0.05': { label: 'Recall at FPR 5 %', format: percentage, meaning: 'matches found at that rate' },
  ece: {
    label: 'Calibration error',
    format: percentage,
    meaning: `probability against truth, ${RELIABILITY_BINS} bins`,
  },
  brier: { label: 'Brier score', format: fraction, meaning: 'squared error of the probability; 0.25 says nothing' },
  logLoss: { label: 'Log loss', format: fraction, meaning: 'in nats; 0.693 says nothing' },
  recallAt1: { label: 'Recall@1', format: percentage, meaning: 'the true SAR patch ranks first' },
  recallAt5: { label: 'Recall@5', format: percentage, meaning: 'the true SAR patch is among the first 5' },
  recallAt10: { label: 'Recall@10', format: percentage, meaning: 'the true SAR patch is among the first 10' },
};

const HEADLINES: readonly MetricName[] = ['accuracy', 'auc', 'fpr', 'fpr95', 'averagePrecision', 'ece'];

function headlines({ summary: { metrics, bootstrap } }: Evaluation): string {
  const items = HEADLINES.map((name) => {
    const { label, format } = METRICS[name];
    return (
      `<li><span class="name">${label}</span><span class="value">${format(metrics[name])}</span>` +
      `<span class="interval">${interval(bootstrap.intervals[name], format)}</span></li>`
    );
  });
  const ranges = bootstrap.places > 1 ? paragraph('Small figures: 95 % intervals over places.', 'soft') : '';
  return `<ul class="headlines" aria-label="Headline metrics">${items.join('')}</ul>${ranges}`;
}

function notes({ evaluation, warnings }: Report): string {
  const all = [...warnings, ...limitsOf(evaluation)];
  if (all.length === 0) return '';
  return `<aside class="notes" aria-labelledby="notes"><h2 id="notes">To keep in mind</h2>${list(all)}</aside>`;
}

function tested({ evaluation, model, data, run }: Report): string {
  const { summary, split, search } = evaluation;
  const code = (text: string) => `<code>${escapeText(text)}</code>`;
  const short = (fingerprint: string) =>
    `<code title="${escapeText(fingerprint)}">${escapeText(fingerprint.slice(0, 12))}</code>`;
  const searches =
    search.anchors > 0 ? `${count(search.anchors)} anchors among ${search.candidates} candidates` : 'none';
  return section(
    'tested',
    'What was tested',
    facts([
      ['Model', `${escapeText(model.preset)}, patches of ${model.side} × ${model.side} px`],
      ['Checkpoint', code(model.file)],
      ['Checkpoint fingerprint', short(model.fingerprint)],
      ['Data set', code(data.folder)],
      ['Data fingerprint', short(data.fingerprint)],
      ['Split', `${escapeText(split)}, ${plural(summary.places, 'place')}`],
      ['Pairs', `${count(summary.positives)} of the same place, ${count(summary.negatives)} of different places`],
      ['Searches for recall@k', searches],
      ['Backend', escapeText(run.device ? `${run.backend} (${run.device})` : run.backend)],
      [
        'Date',
        `<time datetime="${run.date.toISOString()}">${run.date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`,
      ],
      ['doppel', escapeText(run.commit ? `${run.version}, commit ${run.commit.slice(0, 12)}` : run.version)],
      ['Seed', String(evaluation.seed)],
    ]),
  );
}

function curves(evaluation: Evaluation, name: string): string {
  const figures = evaluationFigures(evaluation, name, false);
  const { metrics, negatives } = evaluation.summary;
  const plots = [
    figure(
      'ROC',
      figures.roc,
      `Area ${fraction(metrics.auc)}. The axis ends near one false positive in ${count(negatives)}; the dot is the threshold in use.`,
    ),
    figure(
      'Precision and recall',
      figures['precision-recall'],
      `Average precision ${fraction(metrics.averagePrecision)}. Dashed: chance.`,
    ),
    figure(
      'Scores by class',
      figures.scores,
      'Each class as a share of its own pairs. Pairs on the wrong side of the threshold are errors.',
    ),
    figure(
      'Calibration',
      figures.calibration,
      `Points with 95 % intervals; expected calibration error ${percentage(metrics.ece)} over ${RELIABILITY_BINS} bins of equal width.`,
    ),
    figure('Confusion matrix', figures.confusion, 'Counts at the threshold in use, and their share of the row.'),
  ];
  return section('curves', 'Curves', `<div class="plots">${plots.join('')}</div>`);
}

function thresholds({ summary, calibration }: Evaluation): string {
  const { metrics, confusion, bootstrap, negatives } = summary;
  const inUse = [
    'in use',
    fraction(calibration.threshold),
    withInterval(metrics.recall, bootstrap.intervals.recall),
    percentage(metrics.fpr),
    `${count(confusion.falsePositives)} of ${count(negatives)}`,
    'chosen on the validation split',
  ];
  const rows = summary.operatingPoints.map((point) => {
    const name = `recallAtFpr${point.target}` as MetricName;
    return thresholdRow(point, calibration.temperature, withInterval(point.recall, bootstrap.intervals[name]));
  });
  return section(
    'thresholds',
    'Thresholds',
    table(
      'The lowest threshold that keeps each false positive rate, read off this very sample: what is possible, not what a threshold chosen beforehand would reach.',
      [
        { name: 'False positive rate' },
        { name: 'Threshold (probability)', numeric: true },
        { name: 'Recall (95 % interval)', numeric: true },
        { name: 'Rate met', numeric: true },
        { name: 'False positives', numeric: true },
        { name: 'Note' },
      ],
      [inUse, ...rows],
    ),
  );
}

function thresholdRow(point: OperatingPoint, temperature: number, recall: string): string[] {
  const { target, threshold, fpr, falsePositives, negatives, resolution } = point;
  const needed = count(Math.ceil(1 / target));
  const note = {
    none: `not resolved: ${plural(negatives, 'negative')}, at least ${needed} needed`,
    coarse: `coarse: ${Math.floor(target * negatives + 1e-9)} false positives allowed`,
    fine: '',
  }[resolution];
  return [
    `at most ${percent(target)}`,
    threshold === null ? 'none: a negative scores highest' : sigmoid(threshold / temperature).toFixed(4),
    recall,
    `${Number((fpr * 100).toFixed(2))} %`,
    `${count(falsePositives)} of ${count(negatives)}`,
    note,
  ];
}

function withInterval(value: number, range: Parameters<typeof interval>[0]): string {
  return range ? `${percentage(value)} <span class="soft">(${interval(range, percentage)})</span>` : percentage(value);
}

function allMetrics({ summary: { metrics, bootstrap } }: Evaluation): string {
  const rows = (Object.keys(METRICS) as MetricName[])
    .filter((name) => !Number.isNaN(metrics[name]))
    .map((name) => {
      const { label, format, meaning } = METRICS[name];
      return [label, format(metrics[name]), interval(bootstrap.intervals[name], format), escapeText(meaning)];
    });
  const caption = `Intervals: ${Math.round(bootstrap.level * 100)} %, by ${count(bootstrap.resamples)} bootstrap resamples of ${plural(bootstrap.places, 'place')}.`;
  const columns = [
    { name: 'Metric' },
    { name: 'Value', numeric: true },
    { name: 'Interval', numeric: true },
    { name: 'Meaning' },
  ];
  return section('metrics', 'All metrics', table(caption, columns, rows));
}

function mistakes({ hardest, evaluation }: Report): string {
  const { falsePositives, falseNegatives } = evaluation.summary.confusion;
  return section(
    'mistakes',
    'Hardest mistakes',
    '<h3>Different places that look like a match</h3>',
    gallery(
      hardest.falsePositives,
      falsePositives,
      'No pair of different places was called a match.',
      'false-positive',
    ),
    '<h3 style="margin-top:1.6em">Matches that were missed</h3>',
    gallery(hardest.falseNegatives, falseNegatives, 'No match was missed.', 'false-negative'),
  );
}

function gallery(pairs: readonly PicturedPair[], total: number, none: string, kind: string): string {
  if (total === 0) return paragraph(none);
  const shown = `${plural(total, 'pair')} in all; the ${count(pairs.length)} most wrong, SAR on the left, optical on the right.`;
  return `${paragraph(shown, 'soft')}<ol class="pairs">${pairs.map((pair) => card(pair, kind)).join('')}</ol>`;
}

function card({ pair, sarId, opticalId, sarPicture, opticalPicture }: PicturedPair, kind: string): string {
  const image = (what: string, id: string, source: string) =>
    `<img src="${escapeText(source)}" alt="${escapeText(`${what} patch ${id}`)}" loading="lazy">`;
  const ids = sarId === opticalId ? [opticalId] : [`SAR ${sarId}`, `optical ${opticalId}`];
  return (
    `<li><div class="pictures">${image('SAR', sarId, sarPicture)}${image('Optical', opticalId, opticalPicture)}</div>` +
    `<div class="score ${kind}"><span>p = ${pair.probability.toFixed(3)}</span><span>score ${pair.score.toFixed(2).replace('-', '−')}</span></div>` +
    `<div class="ids">${ids.map(escapeText).join('<br>')}<br>place ${escapeText(pair.group)}</div></li>`
  );
}

function places({ pairs, calibration }: Evaluation): string {
  const measured = measurePlaces(pairs, calibration.threshold);
  const rows = measured.map((place) => [
    escapeText(place.group),
    count(place.pairs),
    percentage(place.accuracy),
    percentage(place.recall),
    percentage(place.fpr),
    fraction(place.auc),
  ]);
  const numeric = ['Pairs', 'Accuracy', 'Recall', 'False positive rate', 'ROC-AUC'].map((name) => ({
    name,
    numeric: true,
  }));
  const shown = table('The place with the lowest accuracy first.', [{ name: 'Place' }, ...numeric], rows);
  const content =
    measured.length > 12 ? `<details><summary>All ${measured.length} places</summary>${shown}</details>` : shown;
  return section('places', 'Place by place', content);
}

function method({ evaluation, calibrationSource }: Report): string {
  const { negativesPerPositive, seed, split, summary, calibration } = evaluation;
  return section(
    'method',
    'How it was measured',
    list([
      `Positives are the true pairs of the ${split} split. For each optical patch, ${negativesPerPositive} SAR patch${negativesPerPositive === 1 ? '' : 'es'} of other ground from the same split, shuffled with seed ${seed}, so that every SAR patch is a negative as often as it is a positive.`,
      'A guard by place keeps out SAR patches that overlap or neighbour the optical patch. No generated patch is ever tested on.',
      `A pair is called a match when its calibrated probability is at least ${fraction(calibration.threshold)}; temperature ${fraction(calibration.temperature)}. ${calibrationSource}`,
      `Probabilities hold for a share of ${percentage(0.5)} matches, as in the pairs they were fitted on; where matches are rarer they are too high.`,
      `Intervals: ${count(summary.bootstrap.resamples)} resamples of whole places with replacement, percentiles; a shuffled pair belongs to the place of its optical patch. They hold the uncertainty from the choice of places, not that of training again with another seed.`,
      'Equal scores count half in ROC-AUC and recall@k, and enter together in average precision.',
    ]),
  );
}

function footer({ data, run }: Report): string {
  const attribution = data.attribution ? `${paragraph(data.attribution)}` : '';
  return `<footer>${attribution}${paragraph(`Made by doppel ${run.version}.`)}</footer>`;
}
