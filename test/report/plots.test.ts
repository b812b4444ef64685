import { describe, expect, test } from 'vitest';
import {
  confusionMatrix,
  lineChart,
  precisionRecallPlot,
  reliabilityDiagram,
  rocPlot,
  scoreHistogram,
  wilsonInterval,
} from '../../packages/report/src/plots/plots.ts';

const points = [
  { fpr: 0, recall: 0, precision: 1 },
  { fpr: 0.001, recall: 0.4, precision: 0.99 },
  { fpr: 0.1, recall: 0.9, precision: 0.9 },
  { fpr: 1, recall: 1, precision: 0.5 },
];
const curves = [{ name: 'paper-bn <a & b>', points }];
const bins = [
  { from: 0, to: 0.5, count: 10, predicted: 0.2, observed: 0.1 },
  { from: 0.5, to: 1, count: 0, predicted: Number.NaN, observed: Number.NaN },
];
const series = [
  {
    name: 'train',
    points: [
      [0, 1],
      [1, Number.NaN],
      [2, 0.25],
    ] as const,
  },
];
const confusion = { truePositives: 1234, falsePositives: 2, trueNegatives: 8, falseNegatives: 4 };

const PLOTS: Record<string, string> = {
  roc: rocPlot({ curves, negatives: 1000, marks: [{ name: 'threshold', fpr: 0.01, recall: 0.5 }] }),
  'precision-recall': precisionRecallPlot({ curves, prevalence: 0.5, title: 'Precision & recall' }),
  histogram: scoreHistogram({ positives: [1, 2, 3], negatives: [-1, 0, 1], threshold: 0.5 }),
  'histogram of equal scores': scoreHistogram({ positives: [1], negatives: [1] }),
  reliability: reliabilityDiagram({ bins }),
  'confusion matrix': confusionMatrix({ confusion }),
  'confusion matrix of one class': confusionMatrix({
    confusion: { ...confusion, falsePositives: 0, trueNegatives: 0 },
  }),
  lines: lineChart({ series, xLabel: 'Epoch', yLabel: 'Loss' }),
  'logarithmic lines': lineChart({ series, xLabel: 'Epoch', yLabel: 'Loss', yScale: 'log' }),
  'lines without a point': lineChart({ series: [{ name: 'none', points: [] }], xLabel: 'Epoch', yLabel: 'Loss' }),
};

/** Every element opened is closed in order; enough to catch a broken string without an XML parser. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (selfClosing) continue;
    if (!closing) open.push(name!);
    else if (open.pop() !== name) return [name!];
  }
  return open;
}

describe.each(Object.entries(PLOTS))('%s', (_, svg) => {
  test('is one whole SVG with an accessible name and numbers only', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]* role="img" aria-label="[^"]+"/);
    expect(unbalanced(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test('names are escaped', () => {
  expect(PLOTS.roc).toContain('paper-bn &lt;a &amp; b&gt;');
  expect(PLOTS.roc).not.toContain('<a &');
});

test('a rate of 0 lies on the left edge of the logarithmic axis, and ticks are written in per cent', () => {
  expect(PLOTS.roc).toContain('>0.1 %<');
  expect(PLOTS.roc).toContain('>100 %<');
});

test('a gap in a series breaks its line', () => {
  const [, path] = PLOTS.lines!.match(/<path d="(M[^"h]*)" fill="none"/) ?? [];
  expect(path?.match(/M/g)).toHaveLength(2);
});

test('the confusion matrix writes counts and shares of the row', () => {
  expect(PLOTS['confusion matrix']).toContain('>1,234<');
  expect(PLOTS['confusion matrix']).toContain('>80 %<');
});

test("Wilson's interval is that of the literature", () => {
  const [low, high] = wilsonInterval(0.1, 10); // 1 of 10
  expect(low).toBeCloseTo(0.0179, 4);
  expect(high).toBeCloseTo(0.4042, 4);
});
