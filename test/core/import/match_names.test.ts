import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { matchNames } from '../../../packages/core/src/import/match_names.ts';

const pairsOf = (...paths: string[]) => matchNames(paths).pairs;

describe('matchNames', () => {
  it.each([
    ['folders', 'sar/12.tif', 'optical/12.png', '12'],
    ['folders below others', 'la/SAR/a/12.tif', 'la/optical/a/12.tif', 'la/a/12'],
    ['suffixes', 'x/12_sar.png', 'x/12_optical.png', 'x/12'],
    ['prefixes', 's1-12.png', 's2-12.jpg', '12'],
    [
      'both, as SEN1-2 has them',
      'ROIs_spring/s1_0/p_s1_0_p7.png',
      'ROIs_spring/s2_0/p_s2_0_p7.png',
      'ROIs_spring/0/p_0_p7',
    ],
    ['dots', '12.sar.tif', '12.optical.tif', '12'],
  ])('pairs by %s', (_, sar, optical, key) => {
    expect(pairsOf(optical, sar)).toEqual([{ key, sar, optical }]);
  });

  it('passes over what is no image, or of no known sensor, and lists images without counterpart', () => {
    const { pairs, unmatched } = matchNames([
      'sar/1.tif',
      'optical/1.tif',
      'sar/2.tif',
      'optical/3.tif',
      'sar/1.xml',
      'README.md',
      'dem/1.tif',
      'sar_optical/9.tif',
    ]);
    expect(pairs.map(({ key }) => key)).toEqual(['1']);
    expect(unmatched).toEqual(['sar/2.tif', 'optical/3.tif']);
  });

  it('goes by patterns where they are given', () => {
    const patterns = { sar: /^(\d+)_vv(_b)?\.tif$/, optical: /^(\d+)_rgb(_b)?\.png$/ };
    expect(
      matchNames(['7_vv.tif', '7_rgb.png', '8_vv_b.tif', '8_rgb_b.png', '9_vh.tif'], patterns).pairs.map(
        ({ sar }) => sar,
      ),
    ).toEqual(['7_vv.tif', '8_vv_b.tif']);
    expect(() => matchNames(['7.tif'], { sar: /(\d)/, optical: /(\d)/ })).toThrow(UsageError);
  });

  it('refuses two files for one side of a pair', () => {
    expect(() => pairsOf('sar/1.tif', 'sar/1.png', 'optical/1.png')).toThrow(
      /"sar\/1\.tif" and "sar\/1\.png", both for "1".*--sar-pattern/,
    );
  });
});
