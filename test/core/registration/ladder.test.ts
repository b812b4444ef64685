import { describe, expect, it } from 'vitest';
import { hilbert, holdOut } from '../../../packages/core/src/registration/hold_out.ts';
import { stiffest } from '../../../packages/core/src/registration/ladder.ts';
import { madePoints, similarity } from './synthetic.ts';

describe('stiffest', () => {
  const apart = ['a', 'b', 'c', 'd'];
  it('prefers the first of equal ones', () => {
    expect(
      stiffest(
        [
          [1, 1, 1, 1],
          [1, 1, 1, 1],
        ],
        apart,
      ),
    ).toBe(0);
    expect(
      stiffest(
        [
          [1.01, 0.9, 1.1, 1],
          [1, 1, 1, 1],
        ],
        apart,
      ),
    ).toBe(0);
  });
  it('takes a later one that is clearly better', () => {
    expect(
      stiffest(
        [
          [4, 5, 4, 5],
          [1, 1.2, 1, 0.9],
          [1, 1.1, 1, 0.95],
        ],
        apart,
      ),
    ).toBe(1);
  });
  it('counts items of one block together', () => {
    const losses = [
      [2, 2, 2, 1, 0.8, 1],
      [1, 1, 1, 1, 1, 1],
    ]; // better in one block only
    expect(stiffest(losses, ['a', 'b', 'c', 'd', 'e', 'f'])).toBe(1);
    expect(stiffest(losses, ['a', 'a', 'a', 'b', 'b', 'b'])).toBe(0);
  });
  it('has none without lists', () => expect(stiffest([], [])).toBe(-1));
});

describe('holdOut', () => {
  const points = madePoints({ map: similarity(0, 0) });
  it('keeps a fifth, spread over the scene, by its seed', () => {
    const held = holdOut(points, 3);
    expect(held.size).toBe(20);
    expect(holdOut(points, 3)).toEqual(held);
    const quarters = [0, 1, 2, 3].map(
      (quarter) =>
        points.filter(
          ({ id, cell }) => held.has(id) && (cell.column >= 5 ? 1 : 0) + (cell.row >= 5 ? 2 : 0) === quarter,
        ).length,
    );
    expect(Math.min(...quarters)).toBeGreaterThanOrEqual(3);
  });
  it('keeps two of nine, and one of three', () => {
    expect(holdOut(points.slice(0, 9), 1).size).toBe(2);
    expect(holdOut(points.slice(0, 3), 1).size).toBe(1);
    expect(holdOut([], 1).size).toBe(0);
  });
});

describe('hilbert', () => {
  it('visits each cell once, and neighbours one after the other', () => {
    const cells = Array.from({ length: 64 }, (_, i) => [i % 8, Math.floor(i / 8)] as const);
    const ordered = cells.map(([x, y]) => ({ x, y, at: hilbert(8, x, y) })).sort((a, b) => a.at - b.at);
    expect(ordered.map(({ at }) => at)).toEqual(cells.map((_, i) => i));
    for (let i = 1; i < 64; i++)
      expect(Math.abs(ordered[i]!.x - ordered[i - 1]!.x) + Math.abs(ordered[i]!.y - ordered[i - 1]!.y)).toBe(1);
  });
});
