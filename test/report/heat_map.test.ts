/** Maps as colours. */
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { heatMap } from '../../packages/report/src/correlation/heat_map.ts';

describe('heat map', () => {
  it('goes from dark to yellow, and stays there beyond its range', () => {
    const { data, width, height } = decode(heatMap({ values: [-1, 0, 1, 2, 0.5, 1], width: 3, height: 2 }, [0, 1]));
    expect([width, height]).toEqual([3, 2]);
    const pixel = (i: number) => [...data.subarray(i * 3, i * 3 + 3)];
    expect(pixel(0)).toEqual([0x44, 0x01, 0x54]);
    expect(pixel(1)).toEqual(pixel(0));
    expect(pixel(2)).toEqual([0xfd, 0xe7, 0x25]);
    expect(pixel(3)).toEqual(pixel(2));
    const brightness = (i: number) => pixel(i).reduce((sum, value) => sum + value, 0);
    expect(brightness(4)).toBeGreaterThan(brightness(0));
    expect(brightness(4)).toBeLessThan(brightness(2));
  });
});
