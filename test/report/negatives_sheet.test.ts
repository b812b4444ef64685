import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import type { MinedNegative } from '../../packages/core/src/mining/negatives.ts';
import type { Raster } from '../../packages/core/src/raster/raster.ts';
import { hardestNegatives, negativesSheet } from '../../packages/report/src/pictures/negatives_sheet.ts';

const negative = (sar: number, optical: number, probability: number): MinedNegative => ({
  ...{ sar, optical, probability, score: probability, positiveScore: 0.9, rank: 0, reason: '' },
  label: 0,
  provenance: 'mined',
});

/** A flat patch but for one corner, so that it is stretched from 0 to 255. */
function patch(side: number, bands: number, corner: number): Raster {
  const data = new Float32Array(side * side * bands).fill(1);
  for (let y = 0; y < side / 2; y++) {
    for (let x = 0; x < side / 2; x++)
      for (let band = 0; band < bands; band++) data[(y * side + x) * bands + band] = corner;
  }
  return { data, height: side, width: side, bands, unit: 'digital number' };
}

describe('the contact sheet', () => {
  test('shows the hardest, one for each anchor', () => {
    const negatives = [negative(1, 5, 0.2), negative(2, 6, 0.9), negative(3, 6, 0.8), negative(4, 7, 0.5)];
    expect(hardestNegatives(negatives, 2).map(({ sar }) => sar)).toEqual([2, 4]);
    expect(hardestNegatives(negatives, 9).map(({ sar }) => sar)).toEqual([2, 4, 1]);
  });

  test('has an optical, a true and a mined patch in each row', async () => {
    const asked: string[] = [];
    const read = (name: string, raster: Raster) => {
      asked.push(name);
      return raster;
    };
    const source = {
      readSar: async (index: number) => read(`sar ${index}`, patch(64, 1, index)),
      readOptical: async (index: number) => read(`optical ${index}`, patch(64, 3, index)),
    };
    const png = decode(await negativesSheet(source, [negative(9, 4, 0.8), negative(8, 5, 0.7)]));
    expect(asked).toEqual(['optical 4', 'sar 4', 'sar 9', 'optical 5', 'sar 5', 'sar 8']);
    // Two columns of one row: patches of 64 pixels drawn twice as large, 4 between them, 20 around the rows.
    expect([png.width, png.height, png.channels]).toEqual([20 + 2 * (3 * 128 + 2 * 4 + 20), 20 + 128 + 20, 3]);
    const at = (x: number, y: number) => [...png.data.slice((y * png.width + x) * 3, (y * png.width + x) * 3 + 3)];
    expect(at(5, 5)).toEqual([24, 24, 24]);
    for (const left of [20, 152, 284]) {
      expect(at(left + 10, 30)).toEqual([255, 255, 255]);
      expect(at(left + 110, 130)).toEqual([0, 0, 0]);
    }
  });
});
