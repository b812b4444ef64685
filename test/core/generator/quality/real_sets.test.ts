import { expect, test } from 'vitest';
import { SplitError } from '../../../../packages/core/src/errors.ts';
import { drawRealSets } from '../../../../packages/core/src/generator/quality/real_sets.ts';

const records = Array.from({ length: 400 }, (_, i) => ({
  ...{ sar: `sar/${i}.tif`, group: `place-${Math.floor(i / 50)}` },
  provenance: 'real' as 'real' | 'generated',
}));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const [train, heldOut] = [range(0, 250), range(250, 400)];

test('sets of one size, that share no patch, and halves that share no place', () => {
  const sets = drawRealSets(records, { train, heldOut, count: 40, seed: 1 });
  const all = [sets.training, sets.others, sets.heldOutA, sets.heldOutB];
  expect(all.map(({ length }) => length)).toEqual([40, 40, 40, 40]);
  expect(new Set(all.flat()).size).toBe(160);
  expect(
    all
      .slice(0, 2)
      .flat()
      .every((i) => i < 250),
  ).toBe(true);
  const placesOf = (indices: number[]) => [...new Set(indices.map((i) => records[i]!.group))];
  expect(sets.places.a.length + sets.places.b.length).toBe(3);
  expect(placesOf(sets.heldOutA).every((place) => sets.places.a.includes(place))).toBe(true);
  expect(placesOf(sets.heldOutB).every((place) => sets.places.b.includes(place))).toBe(true);
  expect(sets.places.a.some((place) => sets.places.b.includes(place))).toBe(false);
  expect(drawRealSets(records, { train, heldOut, count: 40, seed: 1 })).toEqual(sets);
  expect(drawRealSets(records, { train, heldOut, count: 40, seed: 2 }).training).not.toEqual(sets.training);
});

test('as many as the smallest has, with a word about it', () => {
  const sets = drawRealSets(records, { train, heldOut, count: 1000, seed: 1 });
  expect(sets.heldOutA).toHaveLength(50); // one place against two
  expect(sets.warnings.join(' ')).toContain('Sets of 50 patches each instead of 1000');
});

test('one place is halved by patches; a SAR file counts once', () => {
  const doubled = [...records.slice(0, 300), ...records.slice(250, 300)];
  const sets = drawRealSets(doubled, { train, heldOut: range(250, 350), count: 25, seed: 1 });
  expect(new Set([...sets.heldOutA, ...sets.heldOutB].map((i) => doubled[i]!.sar)).size).toBe(50);
  expect(sets.warnings.join(' ')).toContain('of one place');
});

test('made patches and too small splits are refused', () => {
  const made = records.map((record, i) => (i === 260 ? { ...record, provenance: 'generated' as const } : record));
  expect(() => drawRealSets(made, { train, heldOut, count: 9, seed: 1 })).toThrow(SplitError);
  expect(() => drawRealSets(records, { train: [1, 2, 3], heldOut, count: 9, seed: 1 })).toThrow(SplitError);
});
