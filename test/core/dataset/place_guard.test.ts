import { describe, expect, it } from 'vitest';
import { placeGuard } from '../../../packages/core/src/dataset/place_guard.ts';

const SIDE = 640;
const cell = (column: number, row: number, group = 'scene') => ({
  group,
  footprint: {
    crs: 'EPSG:3395',
    bounds: [column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE] as [number, number, number, number],
  },
});

describe('placeGuard', () => {
  const grid = Array.from({ length: 25 }, (_, i) => cell(i % 5, Math.floor(i / 5)));

  it('keeps a patch from itself and its eight neighbours on a grid', () => {
    const guard = placeGuard(grid);
    expect([...guard.conflictsOf(12)].sort((a, b) => a - b)).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
    expect(guard.conflict(12, 12)).toBe(true);
    expect(guard.conflict(12, 18)).toBe(true);
    expect(guard.conflict(12, 14)).toBe(false);
  });

  it('widens by the margin', () => {
    expect(placeGuard(grid, { margin: 2 }).conflictsOf(12).size).toBe(25);
    expect(placeGuard(grid, { margin: 0 }).conflictsOf(12)).toEqual(new Set([12]));
  });

  it('is the same from both sides', () => {
    const guard = placeGuard([...grid, { group: 'scene' }, { group: 'other' }, cell(3, 3, 'other')]);
    for (let i = 0; i < 28; i++) {
      for (let j = 0; j < 28; j++) expect(guard.conflict(i, j), `${i}, ${j}`).toBe(guard.conflict(j, i));
    }
  });

  it('goes by the group where a footprint is unknown', () => {
    const guard = placeGuard([{ group: 'a' }, { group: 'a' }, { group: 'b' }, cell(0, 0, 'a'), cell(9, 9, 'a')]);
    expect([...guard.conflictsOf(0)].sort()).toEqual([0, 1, 3, 4]);
    expect([...guard.conflictsOf(2)]).toEqual([2]);
    expect([...guard.conflictsOf(3)].sort()).toEqual([0, 1, 3]);
  });

  it('refuses a record that is not there', () => {
    expect(() => placeGuard(grid).conflictsOf(25)).toThrow(RangeError);
  });
});
