/** metrics.csv: written, read again, and refused where it is broken. */

import { describe, expect, it } from 'vitest';
import { formatTable } from '../../../../packages/core/src/runs/table.ts';
import { type EpochRow, METRICS, parseMetrics } from '../../../../packages/core/src/training/matcher/metrics_log.ts';
import { trainingCurves } from '../../../../packages/report/src/training/matcher_curves.ts';

const row = (epoch: number, more: Partial<EpochRow> = {}): EpochRow => ({
  ...{ epoch, step: epoch * 10, learningRate: 1e-3, trainLoss: 0.1 + 0.2, penalty: 0.01, gradientNorm: 2 },
  ...{ validationLoss: 0.6, validationAuc: 0.7, validationAccuracy: 0.65, pairsPerSecond: 12.5, seconds: 40 },
  ...more,
});

const formatMetrics = (rows: EpochRow[]) => formatTable(METRICS, rows);

describe('metrics.csv', () => {
  it('reads as it was written', () => {
    const rows = [row(1), row(2, { pairsPerSecond: Number.NaN, validationAuc: 1 / 3 })];
    const text = formatMetrics(rows);
    expect(text.split('\n')[0]).toMatch(/^epoch,step,learningRate,trainLoss,.*,seconds$/);
    expect(parseMetrics(text, 'metrics.csv')).toEqual(rows);
  });

  it.each([
    ['other columns', 'a,b\n1,2\n', /metrics\.csv, line 1/],
    ['a line cut short', `${formatMetrics([row(1)]).trimEnd()}\n2,20`, /metrics\.csv, line 3.*"2,20"/],
    ['text for a number', formatMetrics([row(1)]).replace('12.50', 'fast'), /line 2/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseMetrics(text, 'metrics.csv')).toThrow(message);
  });
});

it('trainingCurves draws each plot, and an empty frame before the first epoch', () => {
  for (const rows of [[], [row(1)], [row(1), row(2)]]) {
    const curves = trainingCurves(rows);
    expect(Object.keys(curves)).toEqual(['loss', 'auc', 'learning-rate']);
    for (const svg of Object.values(curves)) expect(svg).toMatch(/^<svg[\s\S]*<\/svg>$/);
  }
});
