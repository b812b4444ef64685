import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { fitPeak } from '../../../packages/core/src/registration/peak_fit.ts';

const SIDE = 41;

/** A bell with axes of its own, and smooth noise. */
function mapOf(column: number, row: number, noise: number, seed: number) {
  const rng = Rng.derive(seed, 'noise');
  const waves = Array.from({ length: 24 }, () => [rng.normal() * 0.45, rng.normal() * 0.45, rng.float() * 7]);
  const values = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [(i % SIDE) - column, Math.floor(i / SIDE) - row];
    const bell = 0.6 * Math.exp(-(x * x) / 30 - (y * y) / 14 - (x * y) / 40);
    const sum = waves.reduce((total, [u, v, phase]) => total + Math.cos(u! * x + v! * y + phase!), 0);
    return bell + noise * Math.sqrt(2 / waves.length) * sum;
  });
  return { values, width: SIDE, height: SIDE };
}

describe('fitPeak', () => {
  it('finds the peak to a part of a cell', () => {
    const peak = fitPeak(mapOf(20.3, 18.8, 0, 1), 8);
    expect(peak.column).toBeCloseTo(20.3, 1);
    expect(peak.row).toBeCloseTo(18.8, 1);
    expect(peak).toMatchObject({ isOnRim: false });
    expect(peak.ratio).toBeLessThan(0.2);
  });

  it('states covariances that its errors keep', () => {
    const inside = Array.from({ length: 120 }, (_, seed) => {
      const { column, row, covariance } = fitPeak(mapOf(20.3, 18.8, 0.02, seed), 8);
      const [a, b, c] = covariance;
      const [dx, dy] = [column - 20.3, row - 18.8];
      return (c * dx * dx - 2 * b * dx * dy + a * dy * dy) / (a * c - b * b) < 4.605 ? 1 : 0;
    });
    const share = inside.reduce<number>((sum, each) => sum + each, 0) / inside.length;
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(0.98);
  });

  it('says where the peak lies on the rim, and how near a rival comes', () => {
    expect(fitPeak(mapOf(0, 12, 0, 1), 8).isOnRim).toBe(true);
    const twin = mapOf(10, 20, 0, 1);
    const other = mapOf(30, 20, 0, 1);
    const both = { ...twin, values: twin.values.map((value, i) => value + 0.9 * other.values[i]!) };
    expect(fitPeak(both, 8).ratio).toBeCloseTo(0.9, 1);
  });
});
