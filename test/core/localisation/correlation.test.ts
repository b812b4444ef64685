import { selectBackend } from '@doppel/core/backends';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { correlationMap } from '../../../packages/core/src/localisation/correlation.ts';
import { cropFeatures, type FeatureMap } from '../../../packages/core/src/localisation/feature_map.ts';
import { peakOf } from '../../../packages/core/src/localisation/peak.ts';

/** Unit vectors at random. */
function noise(seed: number, height: number, width: number, channels: number): FeatureMap {
  const rng = Rng.derive(seed, 'noise');
  const data = Float32Array.from({ length: height * width * channels }, () => rng.normal());
  for (let at = 0; at < data.length; at += channels) {
    const norm = Math.hypot(...data.subarray(at, at + channels));
    for (let c = 0; c < channels; c++) data[at + c]! /= norm;
  }
  return { data, height, width, channels };
}

/** The definition. */
function naive(template: FeatureMap, window: FeatureMap, row: number, column: number): number {
  let sum = 0;
  for (let y = 0; y < template.height; y++) {
    for (let x = 0; x < template.width; x++) {
      for (let c = 0; c < template.channels; c++) {
        const there = ((row + y) * window.width + column + x) * window.channels + c;
        sum += template.data[(y * template.width + x) * template.channels + c]! * window.data[there]!;
      }
    }
  }
  return sum / (template.height * template.width);
}

beforeAll(async () => void (await selectBackend({ requested: 'cpu' })));

describe('correlationMap', () => {
  it.each([1, 2, 9])('is the mean scalar product at every place, with %i channels', async (channels) => {
    const [template, window] = [noise(1, 5, 6, channels), noise(2, 9, 13, channels)];
    const map = await correlationMap(template, window);
    expect([map.height, map.width]).toEqual([5, 8]);
    for (let i = 0; i < map.values.length; i++) {
      expect(map.values[i]).toBeCloseTo(naive(template, window, Math.floor(i / 8), i % 8), 6);
    }
  });

  it('is 1 at the place that a template was cut from', async () => {
    const window = noise(3, 24, 20, 9);
    const map = await correlationMap(cropFeatures(window, 5, 7, 10, 12), window);
    const { row, column, value, isOnRim } = peakOf(map, 2);
    expect([Math.round(row), Math.round(column), isOnRim]).toEqual([7, 5, false]);
    expect(value).toBeCloseTo(1, 5);
  });

  it('refuses a template that does not fit', async () => {
    await expect(correlationMap(noise(1, 9, 9, 2), noise(2, 9, 8, 2))).rejects.toThrow('templates within the windows');
    await expect(correlationMap(noise(1, 2, 2, 2), noise(2, 9, 9, 3))).rejects.toThrow('as many channels');
  });
});

describe('peakOf', () => {
  const map = (value: (row: number, column: number) => number) => ({
    values: Float32Array.from({ length: 21 * 21 }, (_, i) => value(Math.floor(i / 21), i % 21)),
    ...{ height: 21, width: 21 },
  });

  it('finds a peak between cells', () => {
    const { row, column } = peakOf(
      map((y, x) => 1 - ((y - 8.3) ** 2 + (x - 12.4) ** 2) / 400),
      4,
    );
    expect(row).toBeCloseTo(8.3, 3);
    expect(column).toBeCloseTo(12.4, 3);
  });

  it('rates a peak by its rival elsewhere', () => {
    const bump = (y: number, x: number, at: number) => Math.exp(-((y - at) ** 2 + (x - at) ** 2) / 2);
    const alone = peakOf(
      map((y, x) => bump(y, x, 5)),
      4,
    );
    const rivalled = peakOf(
      map((y, x) => bump(y, x, 5) + 0.9 * bump(y, x, 15)),
      4,
    );
    expect(rivalled.ratio).toBeLessThan(alone.ratio / 4);
    expect(rivalled.row).toBeCloseTo(5, 1);
  });

  it('tells a peak on the rim, and that flat maps have none', () => {
    expect(
      peakOf(
        map((y) => y),
        4,
      ),
    ).toMatchObject({ row: 20, isOnRim: true });
    expect(
      peakOf(
        map(() => 0.5),
        4,
      ).ratio,
    ).toBe(0);
  });
});
