import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { equivalentNumberOfLooks } from '../../../packages/core/src/raster/enl.ts';
import type { Raster, Unit } from '../../../packages/core/src/raster/raster.ts';
import { convertUnit } from '../../../packages/core/src/raster/units.ts';

const SIDE = 128;

/** Speckle of so many looks on ground of the given backscatter. */
function scene(looks: number, seed: number, ground: (column: number, rng: Rng) => number = () => 0.05): Raster {
  const rng = Rng.derive(seed, 'scene');
  const data = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (ground(i % SIDE, rng) * rng.gamma(looks)) / looks);
  return { data, width: SIDE, height: SIDE, bands: 1, unit: 'intensity' };
}

/** As a product of 8 bits has it: whole numbers that end at 255. @param gain digital number of an amplitude of 1. */
function eightBit(raster: Raster, gain: number): Raster {
  const data = convertUnit(raster, 'amplitude', 'test').data.map((a) => Math.min(255, Math.round(a * gain)));
  return { ...raster, data, unit: 'amplitude' };
}

describe('equivalentNumberOfLooks', () => {
  it('finds the looks of speckle', () => {
    for (const looks of [1, 2, 4.4, 10, 50]) {
      for (const seed of [1, 2, 3]) {
        expect(equivalentNumberOfLooks(scene(looks, seed))! / looks).toBeGreaterThan(0.93);
        expect(equivalentNumberOfLooks(scene(looks, seed))! / looks).toBeLessThan(1.07);
      }
    }
  });

  it('finds the same in any radar unit', () => {
    const intensity = scene(4.4, 1);
    const expected = equivalentNumberOfLooks(intensity)!;
    for (const unit of ['dB', 'amplitude'] as Unit[]) {
      expect(equivalentNumberOfLooks(convertUnit(intensity, unit, 'test'))).toBeCloseTo(expected, 3);
    }
  });

  it('looks at the even ground of a mixed scene: two fields, and a town on half of it', () => {
    const mixed = (column: number, rng: Rng) => (column < 40 ? 0.02 : column < 64 ? 0.3 : rng.gamma(0.7));
    for (const looks of [1, 4.4]) {
      const found = equivalentNumberOfLooks(scene(looks, 4, mixed))!;
      expect(found / looks).toBeGreaterThan(0.9);
      expect(found / looks).toBeLessThan(1.1);
    }
  });

  it('is not misled by the steps and the ceiling of 8 bits', () => {
    for (const [looks, gain] of [
      [1, 40],
      [4, 10],
      [4, 120],
      [10, 10],
      [10, 120],
    ] as const) {
      const found = equivalentNumberOfLooks(
        eightBit(
          scene(looks, 5, () => 1),
          gain,
        ),
      )!;
      expect(found / looks).toBeGreaterThan(0.93);
      expect(found / looks).toBeLessThan(1.07);
    }
    const half = scene(4, 6, (column) => (column < 64 ? 0.1 : 3));
    expect(equivalentNumberOfLooks(eightBit(half, 200))! / 4).toBeGreaterThan(0.9);
    expect(equivalentNumberOfLooks(eightBit(half, 200))! / 4).toBeLessThan(1.1);
  });

  it('does not say where it cannot know', () => {
    const even = scene(4, 7);
    expect(
      equivalentNumberOfLooks(
        eightBit(
          scene(4, 7, () => 1),
          3,
        ),
      ),
    ).toBeUndefined(); // a few steps
    expect(
      equivalentNumberOfLooks(
        eightBit(
          scene(1, 7, () => 1),
          200,
        ),
      ),
    ).toBeUndefined(); // saturated
    expect(equivalentNumberOfLooks(scene(4, 7, (_, rng) => rng.gamma(0.4)))).toBeUndefined(); // no even ground
    expect(equivalentNumberOfLooks({ ...even, data: even.data.map(() => 3) })).toBeUndefined(); // fill
    expect(equivalentNumberOfLooks({ ...even, data: even.data.map(() => 0) })).toBeUndefined();
    expect(equivalentNumberOfLooks({ ...even, data: even.data.slice(0, 64), width: 8, height: 8 })).toBeUndefined();
    expect(equivalentNumberOfLooks({ ...even, noData: new Uint8Array(SIDE * SIDE).fill(1) })).toBeUndefined();
    for (const unit of ['digital number', 'reflectance'] as Unit[]) {
      expect(equivalentNumberOfLooks({ ...even, unit })).toBeUndefined();
    }
  });

  it('passes over what is missing', () => {
    const given = scene(4, 8);
    const noData = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE < 30 ? 1 : 0));
    given.data.forEach((_, i) => {
      if (noData[i]) given.data[i] = i % 2 === 0 ? Number.NaN : -9999;
    });
    const found = equivalentNumberOfLooks({ ...given, noData })!;
    expect(found / 4).toBeGreaterThan(0.9);
    expect(found / 4).toBeLessThan(1.1);
  });

  it('takes the windows of all bands together', () => {
    const [a, b] = [scene(3, 1), scene(3, 2)];
    const data = Float32Array.from({ length: SIDE * SIDE * 2 }, (_, i) => (i % 2 ? b : a).data[Math.floor(i / 2)]!);
    const found = equivalentNumberOfLooks({ ...a, bands: 2, data })!;
    const [low, high] = [equivalentNumberOfLooks(a)!, equivalentNumberOfLooks(b)!].sort((x, y) => x - y);
    expect(found).toBeGreaterThan(low! - 0.1);
    expect(found).toBeLessThan(high! + 0.1);
  });
});
