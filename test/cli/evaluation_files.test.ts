import { decode } from 'fast-png';
import { beforeAll, expect, test } from 'vitest';
import { evaluationFiles, evaluationText } from '../../packages/cli/src/evaluation_files.ts';
import { hasFonts, svgToPng } from '../../packages/cli/src/svg_to_png.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { evaluatePairs } from '../../packages/core/src/evaluation/evaluate.ts';
import type { Report } from '../../packages/report/src/evaluation/report.ts';
import { byPlace, distanceScorer, SHAPE, syntheticPatches, syntheticRecords } from '../core/evaluation/synthetic.ts';

const records = syntheticRecords(5, 6);
let report: Report;
beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  const evaluation = await evaluatePairs({
    records,
    indices: records.map((_, i) => i),
    guard: byPlace(records),
    scorer: distanceScorer(true),
    patches: syntheticPatches(0.6),
    shape: SHAPE,
    split: 'test',
    calibration: { temperature: 1, threshold: 0.5 },
    bootstrap: { resamples: 20 },
    search: { candidates: 5, anchors: 5 },
  });
  report = {
    evaluation,
    model: { file: 'best.safetensors', preset: 'paper-bn', side: 64, fingerprint: 'ab'.repeat(32) },
    data: { folder: 'data', fingerprint: 'cd'.repeat(32) },
    run: { backend: 'cpu', date: new Date(0), version: '0.1.0' },
    calibrationSource: 'From the checkpoint.',
    warnings: [],
    hardest: { falsePositives: [], falseNegatives: [] },
  };
});

test('the folder holds metrics, scores, plots twice, and the report last', () => {
  const files = evaluationFiles(report, records);
  const plots = ['roc', 'precision-recall', 'scores', 'calibration', 'confusion'];
  expect([...files.keys()]).toEqual([
    'metrics.json',
    'scores.csv',
    ...plots.flatMap((name) => [`plots/${name}.svg`, `plots/${name}.png`]),
    'report.html',
  ]);
  const metrics = JSON.parse(files.get('metrics.json') as string);
  expect(metrics).toMatchObject({
    pairs: 60,
    places: 5,
    backend: 'cpu',
    doppel: '0.1.0',
    model: { preset: 'paper-bn' },
  });
  const { width, height } = decode(files.get('plots/roc.png') as Uint8Array);
  expect([width, height]).toEqual([960, 720]);
});

test('the terminal gets the headline with intervals and the way to the report', () => {
  const text = evaluationText(report.evaluation, 'out/report.html');
  expect(text).toMatch(/^60 pairs of 5 places \(test\)/);
  expect(text).toMatch(/ROC-AUC +\d\.\d{3} {2}\[\d\.\d{3}, \d\.\d{3}\]/);
  expect(text.endsWith('report: out/report.html')).toBe(true);
});

test('fonts are looked for by drawing a letter', () => {
  const letter =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9" font-size="9">M</text></svg>';
  const isDrawn = decode(svgToPng(letter)).data.some((value) => value < 128);
  expect(hasFonts()).toBe(isDrawn);
});
