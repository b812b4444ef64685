import { expect, test } from 'vitest';
import { laplacianPyramid, pyramidSides } from '../../../../packages/core/src/generator/quality/laplacian_pyramid.ts';
import { texture } from './made_up.ts';

test('halves as long as whole pixels and at least 16 are left', () => {
  expect(pyramidSides(64)).toEqual([64, 32, 16]);
  expect(pyramidSides(112)).toEqual([112, 56, 28]);
  expect(pyramidSides(128)).toEqual([128, 64, 32, 16]);
  expect(pyramidSides(8)).toEqual([8]);
});

test('an even image has no detail and stays as it is at the coarsest level', () => {
  const levels = laplacianPyramid(new Float32Array(64 * 64).fill(3), 64);
  expect(levels.map(({ side }) => side)).toEqual([64, 32, 16]);
  // But for the last row and column: beyond them the sparse image ends half a pixel earlier.
  const inside = (side: number) => (_: number, i: number) => i % side < side - 2 && Math.floor(i / side) < side - 2;
  for (const { data, side } of levels.slice(0, -1)) {
    for (const value of data.filter(inside(side))) expect(Math.abs(value)).toBeLessThan(1e-5);
  }
  for (const value of levels[2]!.data) expect(value).toBeCloseTo(3, 5);
});

test('noise lies in the finest level, slow change in the coarsest', () => {
  const energy = (image: ArrayLike<number>) =>
    laplacianPyramid(image, 64).map(({ data }) => data.reduce((sum, value) => sum + value * value, 0) / data.length);
  const checks = Float32Array.from({ length: 4096 }, (_, i) => ((i + Math.floor(i / 64)) % 2 ? 1 : -1));
  const [fine, , coarse] = energy(checks);
  expect(fine).toBeGreaterThan(0.9);
  expect(coarse).toBeLessThan(0.01);
  const slope = Float32Array.from({ length: 4096 }, (_, i) => (i % 64) / 32 - 1);
  const [detail, , rest] = energy(slope);
  expect(detail).toBeLessThan(0.01 * rest!);
  expect(texture(1, 64).data).toHaveLength(4096);
});
