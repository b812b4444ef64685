import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { PatchError, UsageError } from '../../../packages/core/src/errors.ts';
import { amplitudeVariation, leeFilter } from '../../../packages/core/src/raster/lee_filter.ts';
import type { Raster, Unit } from '../../../packages/core/src/raster/raster.ts';
import { convertUnit } from '../../../packages/core/src/raster/units.ts';
import { windowSums } from '../../../packages/core/src/raster/window_sums.ts';

function raster(side: number, unit: Unit, value: (pixel: number) => number, bands = 1): Raster {
  const data = Float32Array.from({ length: side * side * bands }, (_, i) => value(i));
  return { data, width: side, height: side, bands, unit };
}

function speckle(side: number, looks: number, seed: number): Raster {
  const rng = Rng.derive(seed, 'speckle');
  return raster(side, 'intensity', () => rng.gamma(looks) / looks);
}

function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  const mean = Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  const variance = Array.from(values).reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

/** The definition, word by word, in intensity. */
function slowLee({ data, width, height, noData }: Raster, window: number, looks: number): number[] {
  const radius = (window - 1) / 2;
  return Array.from(data, (z, pixel) => {
    if (noData?.[pixel]) return z;
    const near: number[] = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const isNear =
          Math.abs(row - Math.floor(pixel / width)) <= radius && Math.abs(column - (pixel % width)) <= radius;
        if (isNear && !noData?.[row * width + column]) near.push(data[row * width + column]!);
      }
    }
    const { mean, variance } = moments(near);
    const signal = Math.max(0, (variance + mean ** 2) / (1 + 1 / looks) - mean ** 2);
    return signal === 0 ? mean : mean + (signal / (signal + mean ** 2 / looks)) * (z - mean);
  });
}

describe('windowSums', () => {
  it('sums what lies in the window, and forgets what has left it', () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 0, max: 15 }),
        fc.infiniteStream(fc.nat(1000)),
        (w, h, radius, stream) => {
          const values = Float64Array.from({ length: w * h }, () => stream.next().value as number);
          const expected = values.map((_, i) => {
            const isNear = (k: number) =>
              Math.abs((k % w) - (i % w)) <= radius && Math.abs(Math.floor(k / w) - Math.floor(i / w)) <= radius;
            return values.reduce((sum, value, k) => (isNear(k) ? sum + value : sum), 0);
          });
          expect(windowSums(values, w, h, radius)).toEqual(expected);
        },
      ),
    );
    const bright = Float64Array.of(1e20, 0.1, 0.1, 0.1, 0.1, 0.1);
    expect(windowSums(bright, 6, 1, 1)[4]).toBe(0.1 + 0.1 + 0.1);
  });
});

describe('amplitudeVariation', () => {
  it('is that of the root of gamma speckle', () => {
    expect(amplitudeVariation(1)).toBeCloseTo(4 / Math.PI - 1, 7);
    // Γ(2)·Γ(3) / Γ(5/2)² − 1
    expect(amplitudeVariation(2)).toBeCloseTo(2 / ((9 / 16) * Math.PI) - 1, 7);
    expect(amplitudeVariation(1000) * 4000).toBeCloseTo(1, 3);
    const { mean, variance } = moments(speckle(300, 2.5, 1).data.map(Math.sqrt));
    expect(amplitudeVariation(2.5)).toBeCloseTo(variance / mean ** 2, 2);
  });
});

describe('leeFilter', () => {
  it('is what Lee says', () => {
    const samples = fc.array(fc.float({ min: Math.fround(0.01), max: 1000, noNaN: true }), {
      minLength: 30,
      maxLength: 30,
    });
    const holes = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
    const looks = fc.float({ min: Math.fround(0.5), max: 20, noNaN: true });
    fc.assert(
      fc.property(samples, holes, looks, fc.constantFrom(3, 5, 7, 21), (values, missing, l, window) => {
        const noData = Uint8Array.from(missing, Number);
        const data = Float32Array.from(values, (value, i) => (missing[i] ? Number.NaN : value));
        const given: Raster = { data, width: 6, height: 5, bands: 1, unit: 'intensity', noData };
        const filtered = leeFilter(given, { window, looks: l });
        for (const [i, expected] of slowLee(given, window, l).entries()) {
          if (missing[i]) expect(filtered.data[i]).toBeNaN();
          else expect(Math.abs(filtered.data[i]! - expected)).toBeLessThan(1e-5 * expected);
        }
      }),
    );
  });

  it('keeps even ground exactly', () => {
    fc.assert(
      fc.property(
        fc.float({ min: Math.fround(1e-6), max: Math.fround(1e6), noNaN: true }),
        fc.constantFrom<Unit>('intensity', 'amplitude', 'digital number'),
        (value, unit) => {
          const given = raster(9, unit, () => value);
          expect(leeFilter(given, { window: 5, looks: 3 })).toEqual(given);
        },
      ),
    );
    const filtered = leeFilter(
      raster(9, 'dB', () => -13.7),
      { window: 7, looks: 4 },
    );
    for (const value of filtered.data) expect(value).toBeCloseTo(-13.7, 4);
  });

  it('lowers the variance of speckle nearly as much as a mean would, and keeps the mean', () => {
    for (const looks of [1, 4]) {
      for (const window of [3, 5, 7]) {
        const before = moments(speckle(128, looks, 3).data);
        const after = moments(leeFilter(speckle(128, looks, 3), { window, looks }).data);
        expect(after.mean / before.mean).toBeCloseTo(1, 2);
        const fall = before.variance / after.variance;
        expect(fall).toBeGreaterThan(0.6 * window ** 2);
        expect(fall).toBeLessThan(1.1 * window ** 2);
      }
    }
  });

  it('does the same in dB as in intensity, and about the same in amplitude', () => {
    const intensity = speckle(64, 4, 5);
    const options = { window: 5, looks: 4 };
    const direct = leeFilter(intensity, options);
    const viaDecibel = convertUnit(leeFilter(convertUnit(intensity, 'dB', 'a'), options), 'intensity', 'a');
    const viaAmplitude = convertUnit(leeFilter(convertUnit(intensity, 'amplitude', 'a'), options), 'intensity', 'a');
    for (const [i, value] of direct.data.entries()) expect(viaDecibel.data[i]! / value).toBeCloseTo(1, 5);
    const [a, b] = [moments(direct.data), moments(viaAmplitude.data)];
    expect(b.mean / a.mean).toBeCloseTo(0.945, 1); // the square of a mean amplitude is below the mean intensity
    expect(b.variance / a.variance).toBeGreaterThan(0.7);
    expect(b.variance / a.variance).toBeLessThan(1.2);
  });

  it('keeps an edge and a bright point', () => {
    const looks = 10;
    const noise = speckle(40, looks, 7).data;
    const edge = raster(40, 'intensity', (i) => noise[i]! * (i % 40 < 20 ? 1 : 50));
    edge.data[10 * 40 + 8] = 2000;
    const { data } = leeFilter(edge, { window: 7, looks });
    expect(data[10 * 40 + 8]).toBeGreaterThan(1500);
    const columnMean = (column: number) =>
      moments(Array.from({ length: 40 }, (_, row) => data[row * 40 + column]!)).mean;
    expect(columnMean(18)).toBeLessThan(10);
    expect(columnMean(21)).toBeGreaterThan(40);
  });

  it('filters each band by itself', () => {
    const [a, b] = [speckle(16, 1, 1), speckle(16, 1, 2)];
    const both = raster(16, 'intensity', (i) => (i % 2 === 0 ? a : b).data[Math.floor(i / 2)]!, 2);
    const { data } = leeFilter(both, { window: 5, looks: 1 });
    expect(data.filter((_, i) => i % 2 === 0)).toEqual(leeFilter(a, { window: 5, looks: 1 }).data);
    expect(data.filter((_, i) => i % 2 === 1)).toEqual(leeFilter(b, { window: 5, looks: 1 }).data);
  });

  it('leaves missing samples alone, whatever they hold, and the raster it was given', () => {
    const given: Raster = { ...raster(8, 'amplitude', () => 5), noData: new Uint8Array(64).fill(1, 0, 20) };
    given.data.fill(-9999, 0, 20);
    const before = given.data.slice();
    expect(leeFilter(given, { window: 3, looks: 1 }).data).toEqual(before);
    expect(given.data).toEqual(before);
    const nothing: Raster = { ...raster(3, 'dB', () => Number.NaN), noData: new Uint8Array(9).fill(1) };
    expect(leeFilter(nothing, { window: 3, looks: 1 })).toEqual(nothing);
  });

  it('refuses what is no window, no looks or no radar', () => {
    const given = speckle(4, 1, 1);
    for (const window of [1, 4, 2.5, Number.NaN])
      expect(() => leeFilter(given, { window, looks: 1 })).toThrow(UsageError);
    for (const looks of [0, -1, Number.NaN]) expect(() => leeFilter(given, { window: 3, looks })).toThrow(UsageError);
    expect(() => leeFilter({ ...given, unit: 'reflectance' }, { window: 3, looks: 1 })).toThrow(PatchError);
  });
});
