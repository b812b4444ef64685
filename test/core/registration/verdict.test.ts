/** Limits of the verdict, and its reasons. */
import { describe, expect, it } from 'vitest';
import { type Evidence, TRUST_LIMITS, verdictOf } from '../../../packages/core/src/registration/verdict.ts';

const GOOD: Evidence = {
  ...{ points: 80, agreeing: 70, gate: 3, luck: -60, heldOut: 20, confirmed: 19, heldOutLuck: -20, ce90: 2 },
  ...{ spread: 0.9, corner: 2, lean: { distance: 1, deviation: 2, isTold: false } },
  second: { luck: -40, corner: 2, apart: 1 },
};
const reasonOf = (change: Partial<Evidence>) => verdictOf({ ...GOOD, ...change }).reason;
const leaning = (distance: number, deviation: number, isTold = false) =>
  reasonOf({ lean: { distance, deviation, isTold } });

describe('verdictOf', () => {
  it('trusts what passes every test', () => {
    expect(verdictOf(GOOD).reason).toBeUndefined();
    expect(verdictOf(GOOD).tests.every(({ passed }) => passed)).toBe(true);
  });

  it.each<[Partial<Evidence>, Partial<Evidence>, string]>([
    [{ agreeing: 12 }, { agreeing: 11 }, 'too few points agree'],
    [{ luck: -4 }, { luck: -3.9 }, 'which luck may give as well'],
    [{ heldOutLuck: -1.3 }, { heldOutLuck: -1.2 }, 'do not confirm'],
    [{ ce90: 5 }, { ce90: 5.1 }, 'held-out points err by 5.1 px'],
    [{ spread: 0.35 }, { spread: 0.34 }, 'close together or on a line'],
    [{ corner: 4 }, { corner: 4.1 }, 'uncertain by 4.1 px at the corners'],
    [{ second: { ...GOOD.second!, apart: 5 } }, { second: { ...GOOD.second!, apart: 5.1 } }, 'disagree by 5.1 px'],
  ])('trusts %o and refuses %o', (good, bad, reason) => {
    expect(reasonOf(good)).toBeUndefined();
    expect(reasonOf(bad)).toContain(reason);
  });

  it('heeds the other features where they are sure of their own place only', () => {
    for (const unsure of [{ luck: -3 }, { corner: 5 }]) {
      expect(reasonOf({ second: { ...GOOD.second!, apart: 30, ...unsure } })).toBeUndefined();
    }
  });

  it('lets a lean pass that is small or that terrain explains, and refuses others with the way out', () => {
    expect(leaning(4, 0.5)).toBeUndefined();
    expect(leaning(4.1, 0.5)).toContain('lean the corners by 4.1 px');
    expect(leaning(10.4, 3)).toBeUndefined();
    expect(leaning(10.6, 3)).toMatch(/lean the corners by 10.6 px.*--rotation and --scale$/);
    expect(leaning(10.6, 3, true)).toMatch(/less than is sure$/);
    expect(TRUST_LIMITS).toMatchObject({ lean: 4, leanDeviations: 3.5 });
  });
});
