import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { PatchError } from '../../../packages/core/src/errors.ts';
import {
  type Augmentation,
  augment,
  augmentationSchema,
  drawAugmentation,
} from '../../../packages/core/src/prepare/augmentation.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';

const NONE: Augmentation = { flip: false, turns: 0, shift: { columns: 0, rows: 0 }, speckle: null };

/** Each pixel holds its own number, in every band. */
function numbered(side: number, bands = 1, unit: Raster['unit'] = 'amplitude'): Raster {
  const data = Float32Array.from({ length: side * side * bands }, (_, i) => Math.floor(i / bands));
  const noData = Uint8Array.from({ length: side * side }, (_, i) => (i % 7 === 0 ? 1 : 0));
  return { data, width: side, height: side, bands, unit, noData };
}

const arbitrary = fc.record({
  flip: fc.boolean(),
  turns: fc.integer({ min: 0, max: 3 }),
  shift: fc.record({ columns: fc.integer({ min: -3, max: 3 }), rows: fc.integer({ min: -3, max: 3 }) }),
});

describe('augment', () => {
  it('moves SAR and optical samples, and their masks, alike', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 4, max: 9 }), (geometry, side) => {
        const augmentation = { ...geometry, speckle: null };
        const sar = augment(numbered(side), 'sar', augmentation);
        const optical = augment(numbered(side, 3, 'digital number'), 'optical', augmentation);
        for (let pixel = 0; pixel < side * side; pixel++) {
          for (let band = 0; band < 3; band++) expect(optical.data[pixel * 3 + band]).toBe(sar.data[pixel]);
          expect(sar.noData![pixel]).toBe(sar.data[pixel]! % 7 === 0 ? 1 : 0);
        }
        expect(optical.noData).toEqual(sar.noData);
      }),
    );
  });

  it('returns to the start after four turns, two flips, and a flip undone', () => {
    const raster = numbered(5, 3);
    const times = (count: number, augmentation: Augmentation) =>
      Array.from({ length: count }).reduce<Raster>((now) => augment(now, 'sar', augmentation), raster);
    expect(times(4, { ...NONE, turns: 1 }).data).toEqual(raster.data);
    expect(times(2, { ...NONE, turns: 2 }).data).toEqual(raster.data);
    expect(times(2, { ...NONE, flip: true }).data).toEqual(raster.data);
    expect(times(3, { ...NONE, turns: 1 }).data).toEqual(times(1, { ...NONE, turns: 3 }).data);
  });

  it('turns counter-clockwise, mirrors left and right, and shifts with a mirrored edge', () => {
    const raster: Raster = { data: Float32Array.of(1, 2, 3, 4), width: 2, height: 2, bands: 1, unit: 'amplitude' };
    expect([...augment(raster, 'sar', { ...NONE, turns: 1 }).data]).toEqual([2, 4, 1, 3]);
    expect([...augment(raster, 'sar', { ...NONE, flip: true }).data]).toEqual([2, 1, 4, 3]);
    expect([...augment(raster, 'sar', { ...NONE, shift: { columns: 1, rows: 0 } }).data]).toEqual([1, 1, 3, 3]);
    const row: Raster = { data: Float32Array.of(1, 2, 3, 4, 5), width: 5, height: 1, bands: 1, unit: 'amplitude' };
    expect([...augment(row, 'sar', { ...NONE, shift: { columns: 2, rows: 0 } }).data]).toEqual([2, 1, 1, 2, 3]);
    expect([...augment(row, 'sar', { ...NONE, shift: { columns: -2, rows: 0 } }).data]).toEqual([3, 4, 5, 5, 4]);
  });

  it('gives up the place on the ground once the patch is moved', () => {
    const placed: Raster = { ...numbered(4), crs: 'EPSG:3395', transform: [0, 1, 0, 0, 0, -1] };
    expect(augment(placed, 'sar', NONE)).toBe(placed);
    expect(augment(placed, 'sar', { ...NONE, flip: true })).not.toHaveProperty('crs');
  });

  it('refuses to turn what is no square', () => {
    const wide: Raster = { data: new Float32Array(6), width: 3, height: 2, bands: 1, unit: 'amplitude' };
    expect(() => augment(wide, 'sar', { ...NONE, turns: 1 })).toThrow(/square.*3 × 2/);
    expect(augment(wide, 'sar', { ...NONE, turns: 2 }).width).toBe(3);
  });
});

describe('speckle', () => {
  const flat = (unit: Raster['unit'], value: number): Raster => ({
    ...{ data: new Float32Array(256 * 256).fill(value), width: 256, height: 256, bands: 1, unit },
  });
  /** As a factor on intensity. */
  const FACTOR: Record<string, (value: number) => number> = {
    intensity: (value) => value / 4,
    amplitude: (value) => (value / 2) ** 2,
    dB: (value) => 10 ** (value / 10) / 4,
  };

  it.each([
    ['intensity', 4],
    ['amplitude', 2],
    ['dB', 10 * Math.log10(4)],
  ] as const)('of L looks has mean 1 and variance 1/L in intensity, from %s', (unit, value) => {
    for (const looks of [0.7, 1, 4.4, 20]) {
      const { data } = augment(flat(unit, value), 'sar', { ...NONE, speckle: { looks, seed: 5 } });
      const factors = Array.from(data, FACTOR[unit]!);
      const mean = factors.reduce((sum, x) => sum + x, 0) / factors.length;
      const variance = factors.reduce((sum, x) => sum + (x - mean) ** 2, 0) / factors.length;
      expect(Math.abs(mean - 1)).toBeLessThan(5 / Math.sqrt(looks * factors.length));
      expect(Math.abs(variance * looks - 1)).toBeLessThan(0.06);
    }
  });

  it('comes again from the same seed, and never touches the optical patch', () => {
    const speckled = { ...NONE, speckle: { looks: 1, seed: 9 } };
    const sar = flat('amplitude', 2);
    expect(augment(sar, 'sar', speckled).data).toEqual(augment(sar, 'sar', speckled).data);
    expect(augment(sar, 'sar', speckled).data).not.toEqual(
      augment(sar, 'sar', { ...speckled, speckle: { looks: 1, seed: 8 } }).data,
    );
    expect(augment(sar, 'optical', speckled)).toBe(sar);
  });

  it('is refused where nobody knows what a sample means', () => {
    const speckled = { ...NONE, speckle: { looks: 1, seed: 9 } };
    expect(() => augment(flat('digital number', 2), 'sar', speckled)).toThrow(PatchError);
    expect(() => augment(flat('digital number', 2), 'sar', speckled)).toThrow(/dB, amplitude or intensity.*--unit/);
  });
});

describe('drawAugmentation', () => {
  it('draws every geometry that is allowed, and no other', () => {
    const config = augmentationSchema.parse({ flips: true, turns: true, shift: 2, speckleLooks: 3 });
    const rng = Rng.derive(1, 'test');
    const draws = Array.from({ length: 2000 }, () => drawAugmentation(rng, config));
    const seen = (pick: (draw: Augmentation) => unknown) => [...new Set(draws.map(pick))].sort();
    expect(seen(({ flip }) => flip)).toEqual([false, true]);
    expect(seen(({ turns }) => turns)).toEqual([0, 1, 2, 3]);
    expect(new Set(seen(({ shift }) => shift.rows))).toEqual(new Set([-2, -1, 0, 1, 2]));
    expect(new Set(seen(({ shift }) => shift.columns))).toEqual(new Set([-2, -1, 0, 1, 2]));
    const none = augmentationSchema.parse({ flips: false, turns: false, shift: 0, speckleLooks: null });
    expect(drawAugmentation(rng, none)).toEqual(NONE);
  });

  it('refuses settings out of range', () => {
    for (const wrong of [{ shift: -1 }, { shift: 1.5 }, { speckleLooks: 0 }, { flips: 'yes' }, { rotate: true }]) {
      const config = { flips: true, turns: true, shift: 0, speckleLooks: null, ...wrong };
      expect(augmentationSchema.safeParse(config).success, JSON.stringify(wrong)).toBe(false);
    }
  });
});
