/** Optical patches of a repaired data set lie where their SAR patches' ground is; what the scene lacks is missing. */
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../packages/core/src/dataset/dataset.ts';
import { alignedDataset } from '../../../packages/core/src/localisation/aligned_dataset.ts';

const SIDE = 8;
const [WIDTH, HEIGHT] = [40, 30];

const dataset = {
  header: { side: SIDE },
  scenes: [{ id: 'a', width: WIDTH, height: HEIGHT }],
  records: [
    { window: { scene: 'a', column: 16, row: 8 } },
    { window: { scene: 'a', column: 0, row: 0 } },
    { window: { scene: 'b', column: 0, row: 0 } },
  ],
  readOptical: async () => 'raw',
  async readWindow(_: string, sensor: string, { column, row, width, height }: Record<string, number>) {
    expect(sensor).toBe('optical');
    expect(column! >= 0 && row! >= 0 && column! + width! <= WIDTH && row! + height! <= HEIGHT).toBe(true);
    const value = (i: number) => (row! + Math.floor(i / width!)) * 100 + column! + (i % width!);
    const data = Float32Array.from({ length: width! * height! }, (_, i) => value(i));
    return { data, width, height, bands: 1, unit: 'digital number' };
  },
} as unknown as Dataset;

describe('a data set of repaired alignment', () => {
  const aligned = alignedDataset(dataset, new Map([['a', { row: -1.6, column: 2.4 }]]));

  it('reads the optical patch at the shifted place, to whole pixels', async () => {
    const { data, noData } = await aligned.readOptical(0);
    expect(data[0]).toBe(6 * 100 + 18);
    expect(data[SIDE + 1]).toBe(7 * 100 + 19);
    expect(noData).toBeUndefined();
  });

  it('calls missing what lies beyond the scene', async () => {
    const { data, noData } = await aligned.readOptical(1);
    expect([...noData!.subarray(0, 2 * SIDE)].every((each) => each === 1)).toBe(true);
    expect(Number.isNaN(data[0])).toBe(true);
    expect(data[2 * SIDE]).toBe(2);
    expect(noData![2 * SIDE]).toBe(0);
  });

  it('leaves pairs of scenes without a shift as they are', async () => {
    expect(await aligned.readOptical(2)).toBe('raw');
  });
});
