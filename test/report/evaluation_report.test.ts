import { decode } from 'fast-png';
import { beforeAll, describe, expect, test } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { type Evaluation, evaluatePairs } from '../../packages/core/src/evaluation/evaluate.ts';
import { hardestOf } from '../../packages/core/src/evaluation/hardest.ts';
import { rank } from '../../packages/core/src/evaluation/ranking.ts';
import { limitsOf } from '../../packages/report/src/evaluation/limits.ts';
import { type PicturedPair, type Report, reportHtml } from '../../packages/report/src/evaluation/report.ts';
import { dataUri, pictureOf } from '../../packages/report/src/pictures/picture.ts';
import { byPlace, distanceScorer, SHAPE, syntheticPatches, syntheticRecords } from '../core/evaluation/synthetic.ts';

async function evaluationOf(places: number, pairsEach: number): Promise<Evaluation> {
  const records = syntheticRecords(places, pairsEach);
  return evaluatePairs({
    records,
    indices: records.map((_, i) => i),
    guard: byPlace(records),
    scorer: distanceScorer(true),
    patches: syntheticPatches(1.2),
    shape: SHAPE,
    split: 'test',
    calibration: { temperature: 0.8, threshold: 0.5 },
    bootstrap: { resamples: 50 },
    search: { candidates: 10, anchors: 10 },
  });
}

const gray = {
  data: Float32Array.from({ length: 16 }, (_, i) => i),
  height: 4,
  width: 4,
  bands: 1,
  unit: 'amplitude' as const,
};

function reportOf(evaluation: Evaluation, changes: Partial<Report> = {}): Report {
  const picture = dataUri(pictureOf(gray));
  const { falsePositives, falseNegatives } = hardestOf(evaluation.pairs, 0.5, 4);
  const show = (pair: PicturedPair['pair']): PicturedPair => ({
    pair,
    sarId: `sar <${pair.sarIndex}>`,
    opticalId: `optical ${pair.opticalIndex}`,
    sarPicture: picture,
    opticalPicture: picture,
  });
  return {
    evaluation,
    model: { file: 'best.safetensors', preset: 'paper-bn', side: 64, fingerprint: 'ab'.repeat(32) },
    data: {
      folder: 'data/<script>alert(1)</script>',
      fingerprint: 'cd'.repeat(32),
      attribution: 'Contains data & more',
    },
    run: { backend: 'cpu', date: new Date('2026-11-23T12:00:00Z'), version: '0.1.0' },
    calibrationSource: 'Fitted on the validation split.',
    warnings: ['The data set is another one.'],
    hardest: { falsePositives: falsePositives.map(show), falseNegatives: falseNegatives.map(show) },
    ...changes,
  };
}

let evaluation: Evaluation;
let html: string;
beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  evaluation = await evaluationOf(14, 10);
  html = reportHtml(reportOf(evaluation));
});

describe('the report', () => {
  test('says what was tested and what to keep in mind', () => {
    for (const text of [
      'paper-bn',
      'best.safetensors',
      '2026-11-23 12:00 UTC',
      'cpu',
      'The data set is another one.',
    ]) {
      expect(html).toContain(text);
    }
    expect(html).toContain(`Of 280 pairs from 14 places of the test split`);
    expect(html).toContain('Fitted on the validation split.');
    expect(html).toContain('Contains data &amp; more');
  });

  test('needs nothing from outside', () => {
    expect(html).not.toMatch(/<script|<link|@import/);
    expect(html.match(/(?:src|href)="(?!data:)/g)).toBeNull();
    expect(html.match(/url\(/g)).toBeNull();
  });

  test('has the five plots, all metrics, the threshold table and the pictures', () => {
    expect(html.match(/<svg /g)).toHaveLength(5);
    for (const metric of [
      'Accuracy',
      'ROC-AUC',
      'FPR at 95 % recall',
      'Recall@10',
      'Recall at FPR 0.1 %',
      'Log loss',
    ]) {
      expect(html).toContain(metric);
    }
    for (const rate of ['at most 0.1 %', 'at most 1 %', 'at most 5 %']) expect(html).toContain(rate);
    expect(html.match(/<img /g)!.length).toBeGreaterThanOrEqual(8);
  });

  test('names its pictures and heads its tables', () => {
    expect(html.match(/<img [^>]*alt="[^"]+"/g)).toHaveLength(html.match(/<img /g)!.length);
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
    expect(html).toContain('<th scope="col"');
    expect(html).toContain('<th scope="row"');
    expect(html).toContain('<html lang="en">');
  });

  test('escapes what comes from files', () => {
    expect(html).toContain('data/&lt;script&gt;');
    expect(html).toContain('sar &lt;');
    expect(html).not.toContain('sar <');
  });

  test('never shows an undefined number', () => {
    expect(html.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('says so where there are no mistakes', () => {
    const perfect = structuredClone(evaluation);
    perfect.summary.confusion = { truePositives: 140, falsePositives: 0, trueNegatives: 140, falseNegatives: 0 };
    const page = reportHtml(reportOf(perfect, { hardest: { falsePositives: [], falseNegatives: [] } }));
    expect(page).toContain('No pair of different places was called a match.');
    expect(page).toContain('No match was missed.');
  });
});

describe('limits', () => {
  test('say that a matcher has collapsed', async () => {
    const constant = structuredClone(evaluation);
    constant.summary.ranking = rank([0.1, 0.1, 0.1], [1, 0, 1]);
    expect(limitsOf(constant)[0]).toContain('collapsed to a constant output');
    expect(limitsOf(evaluation).join()).not.toContain('collapsed');
  });

  test('name too few negatives, few places and shortages', () => {
    const limits = limitsOf({ ...evaluation, shortage: 3, search: { ...evaluation.search, leftOut: 1 } });
    expect(limits.join('\n')).toContain('The intervals rest on 14 places only');
    expect(limits.join('\n')).toContain(
      '140 negatives are too few to resolve a false positive rate of 0.1 %: at least 1,000',
    );
    expect(limits.join('\n')).toContain('At a false positive rate of 1 % and 5 % fewer than ten');
    expect(limits.join('\n')).toContain('3 negatives could not be drawn');
    expect(limits.join('\n')).toContain('1 anchor had too few');
  });
});

describe('pictures', () => {
  test('are stretched between percentiles, missing samples transparent', () => {
    const noData = new Uint8Array(16);
    noData[3] = 1;
    const { width, height, channels, data } = decode(pictureOf({ ...gray, noData }));
    expect([width, height, channels]).toEqual([4, 4, 2]);
    expect([data[0], data[30]]).toEqual([0, 255]);
    expect([data[6], data[7]]).toEqual([0, 0]);
    expect(data[9]).toBe(255);
  });

  test('keep the first three bands as colours', () => {
    const rgb = { ...gray, bands: 4, data: Float32Array.from({ length: 64 }, (_, i) => [9, 5, 1, 77][i % 4]!) };
    const { channels, data } = decode(pictureOf(rgb));
    expect(channels).toBe(4);
    expect([...data.subarray(0, 4)]).toEqual([255, 128, 0, 255]);
  });

  test('of nothing or of one value are still pictures', () => {
    const empty = { ...gray, data: new Float32Array(16).fill(Number.NaN) };
    expect([...decode(pictureOf(empty)).data].every((value) => value === 0)).toBe(true);
    expect(decode(pictureOf({ ...gray, data: new Float32Array(16).fill(5) })).data[0]).toBe(128);
  });

  test('go into a page as data', () => {
    const png = pictureOf(gray);
    expect(Uint8Array.from(atob(dataUri(png).split(',')[1]!), (c) => c.charCodeAt(0))).toEqual(png);
  });
});
