import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchError } from '../../../packages/core/src/errors.ts';
import { type Raster, UNITS, type Unit } from '../../../packages/core/src/raster/raster.ts';
import { convertUnit, isRadarUnit } from '../../../packages/core/src/raster/units.ts';

const RADAR: Unit[] = ['dB', 'amplitude', 'intensity'];

function raster(values: readonly number[], unit: Unit, more: Partial<Raster> = {}): Raster {
  return { data: Float32Array.from(values), width: values.length, height: 1, bands: 1, unit, ...more };
}

describe('convertUnit', () => {
  it('knows what the units mean', () => {
    expect([...convertUnit(raster([10, 0, -20], 'dB'), 'intensity', 'a').data]).toEqual([10, 1, Math.fround(0.01)]);
    expect([...convertUnit(raster([20, 0, -40], 'dB'), 'amplitude', 'a').data]).toEqual([10, 1, Math.fround(0.01)]);
    expect([...convertUnit(raster([3, 255], 'amplitude'), 'intensity', 'a').data]).toEqual([9, 65025]);
    expect([...convertUnit(raster([10], 'amplitude'), 'dB', 'a').data]).toEqual([20]);
    expect([...convertUnit(raster([100], 'intensity'), 'dB', 'a').data]).toEqual([20]);
  });

  it('comes back to where it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -60, max: 60, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...RADAR),
        fc.constantFrom(...RADAR),
        (dB, from, to) => {
          const start = convertUnit(raster(dB, 'dB'), from, 'a');
          const back = convertUnit(convertUnit(start, to, 'a'), from, 'a');
          expect(back.unit).toBe(from);
          expect(back.noData).toBeUndefined();
          for (const [i, value] of start.data.entries()) {
            const off = Math.abs(back.data[i]! - value);
            expect(off).toBeLessThanOrEqual(from === 'dB' ? 1e-5 : 1e-5 * Math.abs(value));
          }
        },
      ),
    );
  });

  it('is the same raster where the unit is the same', () => {
    for (const unit of UNITS) {
      const given = raster([1, 2], unit);
      expect(convertUnit(given, unit, 'a')).toBe(given);
    }
  });

  it('takes for missing what the unit cannot express, and never gives an infinite sample', () => {
    const zero = convertUnit(raster([0, 4], 'amplitude'), 'dB', 'a');
    expect([...zero.noData!]).toEqual([1, 0]);
    expect(zero.data[0]).toBeNaN();
    expect([...convertUnit(raster([-1e-4, 0, 1], 'intensity'), 'dB', 'a').noData!]).toEqual([1, 1, 0]);
    const amplitude = convertUnit(raster([-1e-4, 0, 1], 'intensity'), 'amplitude', 'a');
    expect([...amplitude.noData!]).toEqual([1, 0, 0]);
    expect(amplitude.data[1]).toBe(0);
    expect([...convertUnit(raster([-3, 3], 'amplitude'), 'intensity', 'a').noData!]).toEqual([1, 0]);
    fc.assert(
      fc.property(
        fc.array(fc.float(), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...RADAR),
        fc.constantFrom(...RADAR),
        (values, from, to) => {
          fc.pre(from !== to);
          const { data, noData } = convertUnit(raster(values, from), to, 'a');
          for (const [i, value] of data.entries()) {
            expect(Number.isFinite(value)).toBe(!noData?.[i]);
            expect(Math.abs(value)).not.toBe(Number.POSITIVE_INFINITY);
          }
        },
      ),
    );
  });

  it('keeps what was missing missing, in all bands of the pixel, and what else the raster knows', () => {
    const given = raster([-9999, 5, 10, 10, 0, 20], 'dB', {
      ...{ width: 3, bands: 2, noData: Uint8Array.of(1, 0, 0), crs: 'EPSG:32611', transform: [0, 10, 0, 0, 0, -10] },
    });
    const converted = convertUnit(given, 'intensity', 'a');
    expect([...converted.data]).toEqual([Number.NaN, Number.NaN, 10, 10, 1, 100]);
    expect([...converted.noData!]).toEqual([1, 0, 0]);
    expect(converted).toMatchObject({ crs: given.crs, transform: given.transform, bands: 2 });
    expect(given.data[0]).toBe(-9999);
  });

  it('refuses what has no conversion, by name, and says the way out', () => {
    for (const from of UNITS) {
      for (const to of UNITS) {
        if (from === to || (isRadarUnit(from) && isRadarUnit(to))) continue;
        const convert = () => convertUnit(raster([1], from), to, 'scene 3');
        expect(convert).toThrow(PatchError);
        expect(convert).toThrow(/scene 3.*doppel data import … --unit/);
        expect(convert).toThrow(`found ${from}`);
      }
    }
  });
});
