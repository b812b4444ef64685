/** Best of several arms: only seeds that all have count, and only figures that are numbers. */
import { describe, expect, it } from 'vitest';
import { bestRival } from '../../packages/experiment/src/common_seeds.ts';

const arm = { seeds: [1, 2] };
const rivals = ['a', 'b', 'c'].map((name) => ({ name, seeds: [1, 2] }));

describe('the best rival', () => {
  it('is the one of the lowest figure', () => {
    const values: Record<string, number> = { a: 0.3, b: 0.1, c: 0.2 };
    expect(bestRival(arm, rivals, (name) => values[name]!)).toBe('b');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'is never one whose figure is %d, wherever it stands',
    (undefinedValue) => {
      for (const without of ['a', 'b', 'c']) {
        const value = (name: string) => (name === without ? undefinedValue : name.charCodeAt(0));
        expect(bestRival(arm, rivals, value)).toBe(without === 'a' ? 'b' : 'a');
      }
    },
  );

  it('is none where no figure is a number, or no seed is shared', () => {
    expect(bestRival(arm, rivals, () => Number.NaN)).toBeUndefined();
    expect(bestRival({ seeds: [3] }, rivals, () => 1)).toBeUndefined();
  });

  it('is judged by the seeds that all have', () => {
    const seen: number[][] = [];
    const value = (_: string, seeds: readonly number[]) => seen.push([...seeds]);
    bestRival(arm, [...rivals, { name: 'd', seeds: [2, 3] }, { name: 'apart', seeds: [9] }], value);
    expect(seen).toEqual([[2], [2], [2], [2]]);
  });
});
