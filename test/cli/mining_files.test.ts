import { describe, expect, test } from 'vitest';
import { miningJson, miningPaths } from '../../packages/cli/src/mining_files.ts';
import type { RankedReport } from '../../packages/core/src/mining/ranked.ts';
import { noneSkipped } from '../../packages/core/src/mining/select.ts';

describe('the files of a mining', () => {
  test('lie beside each other', () => {
    expect(miningPaths('runs/a/hard.jsonl')).toEqual({
      folder: 'runs/a',
      negatives: 'runs/a/hard.jsonl',
      patches: 'runs/a/hard.patches.safetensors',
      report: 'runs/a/hard.report.json',
      sheet: 'runs/a/hard.png',
      cache: 'runs/a/hard.scores',
    });
    expect(miningPaths('hard')).toMatchObject({ folder: '.', report: 'hard.report.json' });
    expect(miningPaths('/hard.jsonl')).toMatchObject({ folder: '/', report: '/hard.report.json' });
  });

  test('name every rule and every kind of score, also where there is none', () => {
    const report: RankedReport = {
      ...{ negatives: 2, anchors: 2, candidates: 10, available: 5, surplus: 4, shortages: 0, shortageReasons: {} },
      skipped: { ...noneSkipped(), guard: 4 },
      quantiles: { candidates: undefined },
      cost: { pairsScored: 4, pairsCached: 0, seconds: 1.23456789 },
      variety: { images: 2, mostUsed: 1 },
      cache: null,
    };
    const json = miningJson(report);
    expect(json.skipped).toMatchObject({ guard: 4, maxScore: 0, relativeMargin: 0 });
    expect(json.quantiles).toEqual({ candidates: null });
    expect(json.cost?.seconds).toBe(1.23457);
  });
});
