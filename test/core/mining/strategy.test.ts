import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../packages/core/src/errors.ts';
import type { SelectionRules } from '../../../packages/core/src/mining/select.ts';
import { checkRules, type Strategy, scoresNeededBy } from '../../../packages/core/src/mining/strategy.ts';

const plain: SelectionRules = { k: 2, rankMin: 0, rankMax: Infinity, sampling: 'top' };
const check = (strategy: Strategy, change: Partial<SelectionRules>) => () =>
  checkRules(strategy, { ...plain, ...change });

describe('rules', () => {
  test('that can be meant are let through', () => {
    expect(check('loss', {})).not.toThrow();
    expect(check('loss', { rankMin: 10, rankMax: 12, minScore: 0, maxScore: 1, relativeMargin: 0.05 })).not.toThrow();
    expect(check('nearest', { minScore: -0.5, maxScore: 0.95 })).not.toThrow();
    expect(check('random', { maxScore: 0.95 })).not.toThrow();
  });

  test.each([
    ['loss', { maxScore: 1.5 }, /--max-score 0 to 1, as loss scores by probability, found 1.5/],
    ['loss', { minScore: -0.5 }, /--min-score 0 to 1/],
    ['nearest', { minScore: -1.5 }, /--min-score -1 to 1, as nearest scores by cosine/],
    ['loss', { minScore: 0.6, maxScore: 0.5 }, /--min-score at most --max-score, found 0.6 and 0.5/],
    ['loss', { rankMin: 5, rankMax: 6 }, /at least k = 2 ranks.*which leave 1/],
    ['loss', { relativeMargin: 2 }, /--relative-margin 0 to 1/],
    ['loss', { absoluteMargin: -0.1 }, /--absolute-margin 0 to 1/],
    ['loss', { k: 0 }, /--k at least 1/],
    ['random', { rankMax: 50 }, /no range of ranks with the strategy random/],
  ] as const)('that cannot be meant are refused: %s %o', (strategy, change, message) => {
    expect(check(strategy, change)).toThrow(UsageError);
    expect(check(strategy, change)).toThrow(message);
  });

  test('decide what is scored', () => {
    expect(scoresNeededBy('loss', plain)).toBe('match');
    expect(scoresNeededBy('nearest', plain)).toBe('likeness');
    expect(scoresNeededBy('random', plain)).toBeUndefined();
    expect(scoresNeededBy('random', { ...plain, maxScore: 0.9 })).toBe('match');
  });
});
