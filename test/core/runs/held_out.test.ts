import { expect, test } from 'vitest';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { checkHeldOut } from '../../../packages/core/src/runs/held_out.ts';

const places = { train: ['a', 'b'], validation: ['c'] };
const trained = { dataFingerprint: 'one', places };
const tested = (changes = {}) => ({
  split: 'test' as const,
  fingerprint: 'one',
  places: new Set(['d', 'e']),
  ...changes,
});

test('places that were never seen raise nothing', () => {
  expect(checkHeldOut(trained, tested())).toEqual([]);
});

test('a test place that was trained or validated on is an error that names it', () => {
  expect(() => checkHeldOut(trained, tested({ places: new Set(['d', 'b']) }))).toThrow(SplitError);
  expect(() => checkHeldOut(trained, tested({ places: new Set(['d', 'b']) }))).toThrow(
    /1 that it was trained on \(b\)/,
  );
  expect(() => checkHeldOut(trained, tested({ places: new Set(['c']) }))).toThrow(/validated on \(c\)/);
});

test('the validation and train splits may be evaluated, with a word of caution', () => {
  const validation = tested({ split: 'validation', places: new Set(['c']) });
  expect(checkHeldOut(trained, validation)).toEqual([expect.stringContaining('a little too good')]);
  expect(() => checkHeldOut(trained, { ...validation, places: new Set(['a']) })).toThrow(SplitError);
  const train = tested({ split: 'train', places: new Set(['a']) });
  expect(checkHeldOut(trained, train)).toEqual([expect.stringContaining('learned from')]);
});

test('another data set cannot be checked, and shared names are told', () => {
  expect(checkHeldOut(trained, tested({ fingerprint: 'two' }))).toEqual([expect.stringContaining('not known')]);
  const shared = tested({ fingerprint: 'two', places: new Set(['a', 'z']) });
  expect(checkHeldOut(trained, shared)).toEqual([expect.stringContaining('1 of the tested places')]);
});

test('a checkpoint without its places cannot show it', () => {
  expect(checkHeldOut({ dataFingerprint: 'one' }, tested())).toEqual([expect.stringContaining('does not say')]);
});
