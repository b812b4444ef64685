import { beforeAll, expect, test } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { evaluatePairs } from '../../../packages/core/src/evaluation/evaluate.ts';
import { evaluationJson, scoresCsv } from '../../../packages/core/src/evaluation/outputs.ts';
import { byPlace, distanceScorer, SHAPE, syntheticPatches, syntheticRecords } from './synthetic.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const records = syntheticRecords(4, 5).map((record) => ({ ...record, group: `${record.group}, "north"` }));
const evaluate = (anchors: number) =>
  evaluatePairs({
    records,
    indices: records.map((_, i) => i),
    guard: byPlace(records),
    scorer: distanceScorer(true),
    patches: syntheticPatches(0.5),
    shape: SHAPE,
    split: 'test',
    calibration: { temperature: 1, threshold: 0.5 },
    bootstrap: { resamples: 20 },
    search: { candidates: 5, anchors },
  });

test('the JSON object holds every metric with its interval, and only numbers that JSON knows', async () => {
  const json = evaluationJson(await evaluate(5)) as Record<string, unknown>;
  expect(json).toMatchObject({ pairs: 40, places: 4, positives: 20, negatives: 20, split: 'test', threshold: 0.5 });
  const names = ['accuracy', 'precision', 'recall', 'fpr', 'auc', 'averagePrecision', 'fpr95', 'ece', 'recallAt1'];
  for (const name of names) {
    expect(json[name]).toBeTypeOf('number');
    const [low, high] = (json.intervals as Record<string, [number, number]>)[name]!;
    expect(low).toBeLessThanOrEqual(high);
  }
  expect(JSON.parse(JSON.stringify(json))).toEqual(json);
});

test('what was not searched is null, without an interval', async () => {
  const json = evaluationJson(await evaluate(0)) as Record<string, unknown>;
  expect(json.recallAt1).toBeNull();
  expect(json.intervals).not.toHaveProperty('recallAt1');
  expect(JSON.stringify(json)).not.toContain('undefined');
});

test('the CSV has a line for each pair, and quotes where it must', async () => {
  const lines = scoresCsv(await evaluate(0), records).split('\n');
  expect(lines).toHaveLength(42);
  expect(lines[0]).toBe('sar,optical,sar_place,place,label,provenance,score,probability,match');
  expect(lines[1]).toMatch(
    /^pair-0000,pair-0000,"place-00, ""north""","place-00, ""north""",1,real,[-.\de]+,0\.\d+,(true|false)$/,
  );
  expect(lines.at(-1)).toBe('');
});
