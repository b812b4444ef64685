/** Where windows and templates of a batch lie: inside their scenes, apart from each other, and found again when turned. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { turnedSamples } from '../../../../../packages/core/src/training/matcher/localisation/pixels.ts';
import { drawWindows } from '../../../../../packages/core/src/training/matcher/localisation/places.ts';
import type { TrainingScenes } from '../../../../../packages/core/src/training/matcher/localisation/training_scenes.ts';

const source = (shifts: readonly { row: number; column: number }[]): TrainingScenes => ({
  scenes: shifts.map((_, i) => ({ id: String(i), width: 400, height: 300 })),
  shiftOf: (scene) => shifts[scene]!,
  patchAt: () => undefined,
  sameGround: () => false,
  read: () => Promise.reject(new Error('not read here')),
});

const OPTIONS = { windows: 8, side: 64, search: 16, perScene: 2, turns: true, flips: true };
const shift = fc.record({
  row: fc.double({ min: -8, max: 8, noNaN: true }),
  column: fc.double({ min: -8, max: 8, noNaN: true }),
});

describe('places of a batch', () => {
  it('keep windows and templates inside their scenes, and windows of one scene apart', () => {
    fc.assert(
      fc.property(fc.array(shift, { minLength: 4, maxLength: 6 }), fc.nat(1000), (shifts, seed) => {
        const { drawn } = drawWindows(source(shifts), seed, { ...OPTIONS, seed: 1 });
        expect(drawn).toHaveLength(8);
        for (const { scene, window, template, offset } of drawn) {
          expect(window.row >= 0 && window.row + 96 <= 300 && window.column + 96 <= 400).toBe(true);
          expect(template.row >= 0 && template.row + 64 <= 300 && template.column + 64 <= 400).toBe(true);
          expect(Math.min(offset.row, offset.column)).toBeGreaterThanOrEqual(-1e-9);
          expect(Math.max(offset.row, offset.column)).toBeLessThanOrEqual(32 + 1e-9);
          const apart = drawn.filter((other) => other.scene === scene && other.window !== window);
          expect(apart.length).toBeLessThanOrEqual(1);
          for (const other of apart) {
            const rows = Math.abs(other.window.row - window.row);
            expect(Math.max(rows, Math.abs(other.window.column - window.column))).toBeGreaterThanOrEqual(128);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('follow from seed and step alone', () => {
    const scenes = source(Array.from({ length: 5 }, () => ({ row: 1.5, column: -2.25 })));
    const draw = (step: number) => drawWindows(scenes, step, { ...OPTIONS, seed: 7 });
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });

  it('turn and mirror a template with its window: it is still found at its offset', () => {
    const scenes = source([{ row: 2, column: -3 }]);
    const pixels = (row: number, column: number, side: number) =>
      Float32Array.from({ length: side * side }, (_, i) => (row + Math.floor(i / side)) * 1000 + column + (i % side));
    const seen = new Set<string>();
    for (let step = 0; step < 40; step++) {
      const [drawn] = drawWindows(scenes, step, { ...OPTIONS, windows: 1, seed: 2 }).drawn;
      const { window, template, offset, turns, flip } = drawn!;
      // SAR pixel (r, c) shows the ground of optical pixel (r + 2, c − 3).
      const sar = turnedSamples(pixels(template.row + 2, template.column - 3, 64), 64, 1, { turns, flip });
      const optical = turnedSamples(pixels(window.row, window.column, 96), 96, 1, { turns, flip });
      const [row, column] = [offset.row, offset.column];
      for (const [y, x] of [
        [0, 0],
        [63, 0],
        [10, 41],
      ] as const) {
        expect(optical[(row + y) * 96 + column + x]).toBe(sar[y * 64 + x]);
      }
      seen.add(`${turns} ${flip}`);
    }
    expect(seen.size).toBe(8);
  });
});
