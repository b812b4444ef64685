import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32, philoxNormal, philoxUniform } from '../../../packages/core/src/base/philox.ts';

describe('philox4x32', () => {
  // The known answers that Random123 publishes for Philox4x32-10 (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('counter %j, key %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox4x32(counter, key, out);
    expect([...out]).toEqual([...expected]);
  });
});

describe('draws', () => {
  it('go on where an offset begins: one draw equals the same draw in two parts', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 40 }),
        fc.nat({ max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        (seed, groups, count) => {
          const whole = philoxUniform(groups * 4 + count, { seed, offset: 0 });
          expect(philoxUniform(count, { seed, offset: groups })).toEqual(whole.subarray(groups * 4));
        },
      ),
    );
  });

  it('uniform lies in [0, 1) and fills it evenly', () => {
    const draw = philoxUniform(100_000, { seed: 1, offset: 0 });
    expect(Math.min(...draw.subarray(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(draw.every((value) => value < 1)).toBe(true);
    const bins = new Array(10).fill(0);
    for (const value of draw) bins[Math.floor(value * 10)]++;
    for (const bin of bins) expect(Math.abs(bin - 10_000)).toBeLessThan(400); // 4 standard deviations
  });

  it('normal has mean 0, variance 1 and kurtosis 3', () => {
    const draw = philoxNormal(200_000, { seed: 2, offset: 0 });
    const moment = (power: number) => draw.reduce((sum, value) => sum + value ** power, 0) / draw.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.01);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.015);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
  });
});
