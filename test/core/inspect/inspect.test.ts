import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Dataset } from '../../../packages/core/src/dataset/dataset.ts';
import { auditPatch, OffsetAudit, type SampleRange } from '../../../packages/core/src/inspect/audit.ts';
import { offsetOf, offsetSurface } from '../../../packages/core/src/inspect/gradient_offset.ts';
import { inspectDataset } from '../../../packages/core/src/inspect/inspect.ts';
import { summarise, validSamples } from '../../../packages/core/src/inspect/patch_summary.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { pairsSheet } from '../../../packages/report/src/pictures/pairs_sheet.ts';

const SIDE = 64;

/** Fields with edges of all directions; the same ground for the same seed, shifted by (columns, rows). */
function ground(seed: number, columns = 0, rows = 0): Float32Array {
  const rng = Rng.derive(seed, 'ground');
  const discs = Array.from(
    { length: 25 },
    () => [rng.float() * 84 - 10, rng.float() * 84 - 10, 3 + rng.float() * 9, rng.float()] as const,
  );
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [(i % SIDE) - columns, Math.floor(i / SIDE) - rows];
    return discs.reduce((value, [cx, cy, radius, shade]) => (Math.hypot(x - cx, y - cy) < radius ? shade : value), 0.5);
  });
}

const patch = (data: Float32Array, changes: Partial<Raster> = {}): Raster => ({
  ...{ data, width: SIDE, height: SIDE, bands: 1, unit: 'digital number' },
  ...changes,
});

/** As a radar might see it: other brightness, and speckle of four looks. */
function radar(seed: number, columns: number, rows: number): Raster {
  const rng = Rng.derive(seed, 'speckle');
  const data = ground(seed, columns, rows).map((shade) => (20 + 60 * (1 - shade)) * Math.sqrt(rng.gamma(4) / 4));
  return patch(data, { unit: 'amplitude' });
}

describe('offsetOf', () => {
  it.each([
    [0, 0],
    [4, -3],
    [-6, 2],
    [0, 7],
  ])('finds a shift of %i, %i through speckle and reversed brightness', (columns, rows) => {
    for (const seed of [1, 2, 3]) {
      const offset = offsetOf(offsetSurface(radar(seed, columns, rows), patch(ground(seed)), 8)!);
      expect(Math.abs(offset.columns - columns)).toBeLessThanOrEqual(1);
      expect(Math.abs(offset.rows - rows)).toBeLessThanOrEqual(1);
      expect(offset.significance).toBeGreaterThan(5);
    }
  });

  it('finds nothing that stands out between different places', () => {
    const significances = [1, 2, 3, 4, 5].map(
      (seed) => offsetOf(offsetSurface(radar(seed, 0, 0), patch(ground(seed + 50)), 8)!).significance,
    );
    expect(Math.max(...significances)).toBeLessThan(5);
  });

  it('knows nothing of patches that are flat, or too small for the reach', () => {
    expect(offsetSurface(patch(new Float32Array(SIDE * SIDE)), patch(ground(1)), 8)).toBeUndefined();
    expect(offsetSurface(radar(1, 0, 0), patch(ground(1)), 17)).toBeUndefined();
  });
});

describe('audit', () => {
  const range: SampleRange = { min: 0, max: 255, low: 10, high: 240 };
  const record = { id: 'a', group: 'g' };
  const reasons = (data: Float32Array, changes: Partial<Raster> = {}) =>
    auditPatch(record, 'sar', summarise(patch(data, changes)), range).map(({ reason, numbers }) => [reason, numbers]);
  const busy = (i: number) => 20 + ((i * 37) % 200);
  const samples = (value: (i: number) => number) => Float32Array.from({ length: SIDE * SIDE }, (_, i) => value(i));

  it('lists what is flat, missing or saturated, with numbers, and nothing else', () => {
    expect(reasons(samples(busy))).toEqual([]);
    expect(reasons(samples((i) => 100 + (i % 3)))).toMatchObject([['flat', { mean: expect.closeTo(101, 1) }]]);
    expect(
      reasons(samples(busy), { noData: Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % 4 === 0 ? 1 : 0)) }),
    ).toEqual([['noData', { share: 0.25 }]]);
    expect(reasons(samples((i) => (i % 2 ? 255 : busy(i))))).toEqual([['saturated', { share: 0.5, value: 255 }]]);
    expect(reasons(samples((i) => (i % 2 ? 0 : busy(i))))).toEqual([['saturated', { share: 0.5, value: 0 }]]);
    expect(reasons(samples(() => Number.NaN))).toMatchObject([['noData', { share: 1 }]]);
  });

  it('lists shifted pairs, and places whose pairs agree', () => {
    const audit = new OffsetAudit();
    for (let seed = 0; seed < 6; seed++) {
      audit.add({ id: `good-${seed}`, group: 'good' }, offsetSurface(radar(seed, 1, 0), patch(ground(seed)), 8)!);
      audit.add({ id: `off-${seed}`, group: 'off' }, offsetSurface(radar(seed, 5, -4), patch(ground(seed)), 8)!);
    }
    const found = audit.suspicions();
    expect(audit.measured).toBe(12);
    expect(found.every(({ group, reason }) => group === 'off' && reason === 'offset')).toBe(true);
    expect(found[0]).not.toHaveProperty('id');
    expect(found[0]!.numbers).toMatchObject({ pairs: 6, columns: 5, rows: -4 });
    expect(found.length).toBeGreaterThan(3);
  });
});

describe('inspectDataset', () => {
  const pairs = Array.from({ length: 12 }, (_, i) => ({ sar: radar(i, i >= 9 ? 6 : 0, 0), optical: patch(ground(i)) }));
  const dataset = {
    header: { side: SIDE, sar: { unit: 'amplitude', bands: 1 }, optical: { unit: 'digital number', bands: 1 } },
    records: pairs.map((_, i) => ({ id: `${i}`, group: i >= 9 ? 'off' : 'good', label: i === 0 ? 0 : 1 })),
    splits: {},
    splitOf: (i: number) => (i >= 9 ? 'test' : 'train'),
    read: async (i: number) => ({ ...dataset.records[i], ...pairs[i] }),
  } as unknown as Dataset;

  it('counts, measures and audits', async () => {
    const { inspection, suspicions } = await inspectDataset(dataset, { offsets: 100, reach: 8 });
    expect(inspection).toMatchObject({
      ...{ pairs: 12, groups: 2, side: SIDE, labels: { positive: 11, negative: 1 } },
      splits: { train: { pairs: 9, groups: 1 }, validation: { pairs: 0, groups: 0 }, test: { pairs: 3, groups: 1 } },
      pairsByGroup: { good: 9, off: 3 },
      audit: { offsetsMeasured: 11 },
    });
    const all = pairs.flatMap(({ sar }) => [...sar.data]).sort((a, b) => a - b);
    expect(inspection.sar.min).toBe(all[0]);
    expect(inspection.sar.max).toBe(all.at(-1));
    expect(inspection.sar.percentiles['50']).toBeCloseTo((all[all.length / 2 - 1]! + all[all.length / 2]!) / 2, 3);
    expect(inspection.sar.noDataShare).toBe(0);
    expect(suspicions.filter(({ id, group }) => id === undefined && group === 'off')).toHaveLength(1);
    expect(inspection.audit.suspicious).toBe(suspicions.length);
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection); // no NaN, no undefined
  });

  it('measures the alignment of as many pairs as it is told to, and stops when it is told to', async () => {
    const few = await inspectDataset(dataset, { offsets: 4, reach: 8 });
    expect(few.inspection.audit.offsetsMeasured).toBeLessThanOrEqual(4);
    expect(few.inspection.audit.offsetsMeasured).toBeGreaterThanOrEqual(3);
    expect((await inspectDataset(dataset, { offsets: 0, reach: 8 })).inspection.offsets).toEqual([]);
    await expect(
      inspectDataset(dataset, { offsets: 0, reach: 8 }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('validSamples', () => {
  it('thins out evenly, over all bands', () => {
    const data = Float32Array.from({ length: 300 }, (_, i) => i % 3);
    const some = validSamples({ data, bands: 3 }, 50);
    expect(some.length).toBeGreaterThan(30);
    expect(some.length).toBeLessThanOrEqual(50);
    expect(new Set(some)).toEqual(new Set([0, 1, 2]));
  });
});

describe('pairsSheet', () => {
  it('draws SAR left and optical right, and leaves no-data out', () => {
    const red = patch(
      Float32Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i % 3 === 0 ? 200 : i < 300 ? 0 : 10)),
      { bands: 3 },
    );
    const hollow = patch(ground(2), { noData: new Uint8Array(SIDE * SIDE).fill(1) });
    const { width, height, data, channels } = decode(
      pairsSheet([
        { sar: hollow, optical: red },
        { sar: radar(1, 0, 0), optical: red },
      ]),
    );
    expect(channels).toBe(3);
    const pixel = (x: number, y: number) => [...data.slice((y * width + x) * 3, (y * width + x) * 3 + 3)];
    expect([width, height]).toEqual([16 + 2 * (128 + 2 + 128 + 16), 16 + 128 + 16]);
    expect(pixel(80, 80)).toEqual([24, 24, 24]);
    const [r, g, b] = pixel(16 + 128 + 2 + 64, 80) as [number, number, number];
    expect(r).toBeGreaterThan(240);
    expect(Math.max(g, b)).toBeLessThan(60);
  });
});
