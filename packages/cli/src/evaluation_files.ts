/** Files of `doppel evaluate`: the metrics (JSON), the scores of all pairs, the report (HTML) and the plots. */
import type { PairRecord } from '@doppel/core/dataset';
import { type Evaluation, evaluationJson, scoresCsv } from '@doppel/core/evaluation';

import { evaluationFigures, type Report, reportHtml } from '@doppel/report';

import { svgToPng } from './svg_to_png.ts';

/** Content by path inside the folder. @param records of the data set, which the pairs of the evaluation refer to. */
export function evaluationFiles(report: Report, records: readonly PairRecord[]): Map<string, Uint8Array | string> {
  const { evaluation, model } = report;
  const files = new Map<string, Uint8Array | string>([
    ['metrics.json', `${JSON.stringify(metricsJson(report), null, 2)}\n`],
    ['scores.csv', scoresCsv(evaluation, records)],
  ]);
  for (const [name, svg] of Object.entries(evaluationFigures(evaluation, model.preset, true))) {
    files.set(`plots/${name}.svg`, `${svg}\n`);
    files.set(`plots/${name}.png`, svgToPng(svg));
  }
  return files.set('report.html', reportHtml(report));
}

/** The metrics with what was tested, by what and when. */
export function metricsJson({ evaluation, model, data, run, warnings, calibrationSource }: Report) {
  const { date, version, ...where } = run;
  return {
    ...evaluationJson(evaluation),
    ...where,
    model,
    data: { folder: data.folder, fingerprint: data.fingerprint },
    date: date.toISOString(),
    doppel: version,
    calibrationSource,
    warnings,
  };
}

/** A few lines for the terminal. */
export function evaluationText({ summary, split }: Evaluation, report: string): string {
  const { metrics, bootstrap, pairs, places } = summary;
  const percent = (value: number) => (Number.isNaN(value) ? '–' : `${(value * 100).toFixed(1)} %`);
  const lines = (
    [
      ['accuracy', 'accuracy', percent],
      ['ROC-AUC', 'auc', (value: number) => value.toFixed(3)],
      ['false positive rate', 'fpr', percent],
      ['FPR at 95 % recall', 'fpr95', percent],
      ['average precision', 'averagePrecision', (value: number) => value.toFixed(3)],
      ['calibration error', 'ece', percent],
    ] as const
  ).map(([label, name, format]) => {
    const range = bootstrap.intervals[name];
    const within = range ? `  [${format(range[0])}, ${format(range[1])}]` : '';
    return `  ${label.padEnd(20)} ${format(metrics[name]).padStart(7)}${within}`;
  });
  return [
    `${pairs} pairs of ${places} places (${split}), 95 % intervals over places`,
    ...lines,
    `report: ${report}`,
  ].join('\n');
}
