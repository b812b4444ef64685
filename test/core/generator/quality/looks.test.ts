import { expect, test } from 'vitest';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { stackOf } from '../../../../packages/core/src/generator/patch_stack.ts';
import { looksOf, summariseLooks } from '../../../../packages/core/src/generator/quality/looks.ts';
import { type SarScale, shownUnit, shownValues } from '../../../../packages/core/src/generator/quality/sar_scale.ts';

const SIDE = 64;

/** Gamma speckle of so many looks on even ground, in the unit. */
function speckle(looks: number, unit: 'dB' | 'amplitude', count = 12) {
  return Array.from({ length: count }, (_, i) => {
    const rng = Rng.derive(i, 'speckle', looks);
    return Float32Array.from({ length: SIDE * SIDE }, () => {
      const intensity = (50 * rng.gamma(looks)) / looks;
      return unit === 'dB' ? 10 * Math.log10(intensity) : Math.sqrt(intensity);
    });
  });
}

/** Prepared by mean and deviation of the data set. */
const scale = (unit: SarScale['unit'], mean: number, std: number): SarScale => ({
  ...{ kind: 'known', unit, mean, std },
  ...{ low: unit === 'dB' ? Number.NEGATIVE_INFINITY : 1e-3, high: Number.POSITIVE_INFINITY },
});

test.each([1, 4, 10])('gamma speckle of %i looks gives so many, from dB and from amplitude', async (looks) => {
  for (const unit of ['dB', 'amplitude'] as const) {
    const [mean, std] = [unit === 'dB' ? 12 : 7, 3];
    const prepared = speckle(looks, unit).map((patch) => patch.map((value) => (value - mean) / std));
    const found = await looksOf(stackOf(prepared, SIDE), scale(unit, mean, std));
    const { median, even, quartiles } = summariseLooks(found!);
    expect(even).toBeGreaterThan(0.5);
    expect(median! / looks).toBeGreaterThan(0.85);
    expect(median! / looks).toBeLessThan(1.15);
    expect(quartiles![0]).toBeLessThanOrEqual(median!);
  }
});

test('other units have no looks; patches without even ground neither', async () => {
  const stack = stackOf([new Float32Array(SIDE * SIDE)], SIDE);
  expect(await looksOf(stack, scale('digital number', 0, 1))).toBeUndefined();
  const found = await looksOf(stack, scale('dB', 0, 1));
  expect(summariseLooks(found!)).toEqual({ median: null, quartiles: null, even: 0 });
});

test('values are shown in dB where the unit is one of radar', () => {
  const amplitude = scale('amplitude', 10, 1);
  expect(shownUnit(amplitude)).toBe('dB');
  expect(shownValues(Float32Array.of(0), amplitude)[0]).toBeCloseTo(20, 4);
  expect(shownValues(Float32Array.of(-1000), amplitude)[0]).toBeCloseTo(-60, 4); // at the floor
  expect(shownValues(Float32Array.of(1), scale('dB', -12, 3))[0]).toBeCloseTo(-9, 5);
  expect(shownUnit(scale('digital number', 0, 1))).toBe('digital number');
});
