import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../packages/core/src/errors.ts';
import { footprintOf } from '../../../packages/core/src/geo/grid.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import {
  type CutOptions,
  type CutPatch,
  cutScenes,
  type SceneFile,
} from '../../../packages/core/src/import/cut_scenes.ts';
import { fakeRasterFile, northUp } from './fake_raster_file.ts';

/** A field of hills, 600 m from one to the next, so that a pixel of 10 m sees little change. */
const hills = (longitude: number, latitude: number) =>
  100 + 40 * Math.sin((longitude * 2 * Math.PI) / 0.0065) + 40 * Math.cos((latitude * 2 * Math.PI) / 0.0054);
const coloured = (longitude: number, latitude: number, band: number) => hills(longitude, latitude) + 10 * band;

const DEFAULTS: CutOptions = { side: 16, stride: 16, grid: 'sar', maxNoData: 0 };

const scene = (name: string, file: SceneFile['file'], bands = [0]): SceneFile => ({ name, file, bands });

async function cut(sar: SceneFile, optical: SceneFile, options: Partial<CutOptions> = {}) {
  const patches: CutPatch[] = [];
  const left: Record<string, number> = {};
  for await (const each of cutScenes(sar, optical, { ...DEFAULTS, ...options })) {
    if ('reason' in each) left[each.reason] = (left[each.reason] ?? 0) + each.count;
    else patches.push(each);
  }
  return { patches, left };
}

/** The largest difference between the samples of a patch and what the ground holds at its pixels. */
function worstError(
  patch: CutPatch,
  of: 'sar' | 'optical',
  value: (x: number, y: number, band: number) => number,
): number {
  const { data, width, bands } = patch[of];
  const toLonLat = transformBetween(patch.grid.crs!, 'EPSG:4326', 'test');
  return data.reduce((worst, sample, i) => {
    const pixel = Math.floor(i / bands);
    const [column, row] = [patch.column + (pixel % width) + 0.5, patch.row + Math.floor(pixel / width) + 0.5];
    const [x, y] = toLonLat(...patch.grid.map.toGround(column, row));
    return Math.max(worst, Math.abs(sample - value(x, y, i % bands)));
  }, 0);
}

const utm = northUp('EPSG:32611', -118, 34, 10);

describe('cutScenes', () => {
  it('takes samples as they are where the grids are the same', async () => {
    const sar = fakeRasterFile({ ...utm, width: 50, height: 37, value: hills, unit: 'amplitude' });
    const optical = fakeRasterFile({ ...utm, width: 50, height: 37, bands: 3, value: coloured });
    const { patches, left } = await cut(scene('s', sar), scene('o', optical, [2, 1, 0]));
    expect(patches.map(({ column, row }) => [column, row])).toEqual([
      [0, 0],
      [16, 0],
      [32, 0],
      [0, 16],
      [16, 16],
      [32, 16],
    ]);
    expect(left).toEqual({ outside: 0 });
    for (const patch of patches) {
      expect(worstError(patch, 'sar', hills)).toBeLessThan(1e-4);
      expect(worstError(patch, 'optical', (x, y, band) => coloured(x, y, 2 - band))).toBeLessThan(1e-4);
      expect(patch.sar).toMatchObject({ width: 16, height: 16, bands: 1, unit: 'amplitude' });
      expect(patch.sar).not.toHaveProperty('noData');
    }
  });

  it('matches scenes by the ground where one reaches further, on the same lattice of pixels', async () => {
    const sar = fakeRasterFile({ ...utm, width: 48, height: 48, value: hills });
    const [x, , , y] = utm.transform;
    const moved = { crs: utm.crs, transform: [x + 200, 10, 0, y + 300, 0, -10] as const };
    const optical = fakeRasterFile({ ...moved, width: 48, height: 80, value: hills });
    const { patches, left } = await cut(scene('s', sar), scene('o', optical));
    expect(patches.map(({ column, row }) => [column, row])).toEqual([0, 16, 32].map((row) => [32, row]));
    expect(left).toEqual({ outside: 6 });
    for (const patch of patches) expect(patch.optical.data).toEqual(patch.sar.data);
  });

  it.each([
    ['another UTM zone', northUp('EPSG:32612', -118.01, 34.01, 10), 300],
    ['World Mercator, 12 m a pixel', northUp('EPSG:3395', -118.005, 34.005, 12), 200],
    ['degrees', northUp('EPSG:4326', -118.005, 34.005, 0.0001), 250],
  ])('reprojects from %s to what the ground holds', async (_, place, size) => {
    const sar = fakeRasterFile({ ...utm, width: 64, height: 64, value: hills });
    const optical = fakeRasterFile({ ...place, width: size, height: size, bands: 3, value: coloured });
    const { patches, left } = await cut(scene('s', sar), scene('o', optical, [0, 1, 2]), { side: 32, stride: 32 });
    expect(patches).toHaveLength(4);
    expect(left).toEqual({ outside: 0 });
    for (const patch of patches) {
      expect(worstError(patch, 'sar', hills)).toBeLessThan(1e-4);
      // Bilinear: at most ⅛·(2π/600 m)²·(12 m)²·40, twice.
      expect(worstError(patch, 'optical', coloured)).toBeLessThan(0.2);
    }
  });

  it('averages a scene that is much finer than the grid', async () => {
    const checks = (size: number) => (x: number, y: number) =>
      (Math.floor(x / size) + Math.floor(y / size)) % 2 === 0 ? 0 : 100;
    const base = { crs: 'EPSG:32611', transform: [0, 10, 0, 0, 0, -10] as const, width: 16, height: 16 };
    const sar = fakeRasterFile({ ...base, value: () => 1 });
    const fine = { crs: 'EPSG:32611', transform: [0, 1, 0, 0, 0, -1] as const, width: 160, height: 160 };
    const toMetres = transformBetween('EPSG:4326', 'EPSG:32611', 'test');
    const optical = fakeRasterFile({ ...fine, value: (x, y) => checks(1)(...toMetres(x, y)) });
    const { patches } = await cut(scene('s', sar), scene('o', optical));
    expect(patches).toHaveLength(1);
    for (const sample of patches[0]!.optical.data) expect(sample).toBeCloseTo(50, 0);
  });

  it('averages decibels as power', async () => {
    const fine = {
      crs: 'EPSG:32611',
      transform: [0, 1, 0, 0, 0, -1] as const,
      width: 32,
      height: 32,
      unit: 'dB' as const,
    };
    const toMetres = transformBetween('EPSG:4326', 'EPSG:32611', 'test');
    const stripes = (x: number, y: number) => (Math.floor(toMetres(x, y)[0] + 1e-6) % 2 === 0 ? 0 : 20);
    const coarse = { crs: 'EPSG:32611', transform: [0, 2, 0, 0, 0, -2] as const, width: 16, height: 16 };
    const optical = fakeRasterFile({ ...coarse, value: () => 1 });
    const { patches } = await cut(scene('s', fakeRasterFile({ ...fine, value: stripes })), scene('o', optical), {
      grid: 'optical',
    });
    for (const sample of patches[0]!.sar.data) expect(sample).toBeCloseTo(10 * Math.log10((1 + 100) / 2), 1);
  });

  it('cuts on the grid and at the resolution that are asked for', async () => {
    const sar = fakeRasterFile({ ...utm, width: 100, height: 100, value: hills });
    const finer = northUp('EPSG:32611', -118, 34, 5);
    const optical = fakeRasterFile({ ...finer, width: 200, height: 200, value: hills });
    const onOptical = await cut(scene('s', sar), scene('o', optical), { grid: 'optical', side: 64, stride: 64 });
    expect(onOptical.patches).toHaveLength(9);
    const { map } = onOptical.patches[0]!.grid;
    expect([map.toGround(0, 0), map.toGround(1, 1)]).toEqual([
      [finer.transform[0], finer.transform[3]],
      [finer.transform[0] + 5, finer.transform[3] - 5],
    ]);
    const coarser = await cut(scene('s', sar), scene('o', optical), { resolution: 20, side: 25, stride: 25 });
    expect(coarser.patches).toHaveLength(4);
    for (const patch of coarser.patches) {
      const { crs, bounds } = footprintOf(patch.grid, { column: patch.column, row: patch.row, width: 25, height: 25 })!;
      expect(crs).toBe('EPSG:32611');
      expect(bounds[2] - bounds[0]).toBeCloseTo(500, 6);
      expect(worstError(patch, 'sar', hills)).toBeLessThan(1);
      expect(worstError(patch, 'optical', hills)).toBeLessThan(1);
    }
  });

  it('overlaps patches by the stride', async () => {
    const sar = fakeRasterFile({ ...utm, width: 40, height: 16, value: hills });
    const { patches } = await cut(scene('s', sar), scene('o', sar), { stride: 8 });
    expect(patches.map(({ column }) => column)).toEqual([0, 8, 16, 24]);
    for (const patch of patches) expect(worstError(patch, 'sar', hills)).toBeLessThan(1e-4);
  });

  it('leaves out patches with more missing than allowed, and those with nothing in them', async () => {
    const holed = (from: number) => (longitude: number, latitude: number) => {
      const [x] = transformBetween('EPSG:4326', 'EPSG:32611', 'test')(longitude, latitude);
      const column = (x - utm.transform[0]) / 10;
      return column < from ? Number.NaN : hills(longitude, latitude);
    };
    const sar = fakeRasterFile({ ...utm, width: 48, height: 16, value: holed(20) });
    const optical = fakeRasterFile({ ...utm, width: 48, height: 16, value: hills });
    expect(await cut(scene('s', sar), scene('o', optical))).toMatchObject({
      left: { noDataInSar: 2 },
      patches: [{ column: 32 }],
    });
    const some = await cut(scene('s', sar), scene('o', optical), { maxNoData: 0.25 });
    expect(some.patches.map(({ column }) => column)).toEqual([16, 32]);
    expect(some.patches[0]!.sar.noData!.reduce((sum, flag) => sum + flag, 0)).toBe(4 * 16);
    const all = await cut(scene('s', sar), scene('o', optical), { maxNoData: 1 });
    expect(all.left).toMatchObject({ noDataInSar: 1 }); // an empty patch is never kept
    const swapped = await cut(scene('s', optical), scene('o', sar));
    expect(swapped.left).toMatchObject({ noDataInOptical: 2 });
  });

  it('reads a large scene in parts, none of them large', async () => {
    const large = { width: 3200, height: 3200, value: () => 1 };
    const [sar, optical] = [fakeRasterFile(large), fakeRasterFile(large)];
    let count = 0;
    for await (const each of cutScenes(scene('s', sar), scene('o', optical), { ...DEFAULTS, side: 320, stride: 320 })) {
      if (!('reason' in each)) count++;
    }
    expect(count).toBe(100);
    const sizes = sar.windows.map(({ width, height }) => width * height);
    expect(Math.max(...sizes)).toBeLessThan(2 ** 22);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(3200 * 3200); // nothing is read twice
  });

  it('goes by pixels where neither scene is placed on the ground', async () => {
    const sar = fakeRasterFile({ width: 32, height: 32, value: (x, y) => x + 100 * y });
    const { patches } = await cut(scene('s', sar), scene('o', sar));
    expect(patches).toHaveLength(4);
    expect(patches[3]!.sar.data[0]).toBe(16 + 1600);
    expect(footprintOf(patches[0]!.grid, { column: 0, row: 0, width: 16, height: 16 })).toBeUndefined();
  });

  it('stops between blocks when it is told to', async () => {
    const sar = fakeRasterFile({ ...utm, width: 32, height: 32, value: hills });
    const stopped = cut(scene('s', sar), scene('o', sar), { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['far from one another', northUp('EPSG:32611', -117, 34, 10), /a\.tif and b\.tif: expected common ground/],
    ['of an unknown CRS', { crs: 'EPSG:2', transform: utm.transform }, /b\.tif.*EPSG:2/],
    ['of which one has no place', {}, /b\.tif: expected a coordinate reference system and a transform.*found neither/],
  ])('refuses scenes that are %s', async (_, place, message) => {
    const sar = fakeRasterFile({ ...utm, width: 32, height: 32, value: () => 1 });
    const known = fakeRasterFile({ width: 32, height: 32, value: () => 1 });
    const optical = { ...known, ...place };
    await expect(cut(scene('a.tif', sar), scene('b.tif', optical))).rejects.toThrow(FormatError);
    await expect(cut(scene('a.tif', sar), scene('b.tif', optical))).rejects.toThrow(message);
  });

  it('refuses common ground that is large enough, yet between the patches', async () => {
    const sar = fakeRasterFile({ ...utm, width: 32, height: 32, value: hills });
    const [x, ...rest] = utm.transform;
    const optical = fakeRasterFile({ ...utm, transform: [x + 50, ...rest], width: 22, height: 32, value: hills });
    await expect(cut(scene('s', sar), scene('o', optical))).rejects.toThrow(
      /found common ground of 22 × 32 pixels, which lies between them.*smaller --stride/s,
    );
    expect((await cut(scene('s', sar), scene('o', optical), { stride: 8 })).patches).toHaveLength(3);
  });

  it('refuses unplaced scenes of different sizes, scenes smaller than a patch, and a grid that is far too coarse', async () => {
    const flat = (size: number) => fakeRasterFile({ width: size, height: size, value: () => 1 });
    await expect(cut(scene('a', flat(32)), scene('b', flat(33)))).rejects.toThrow(/32 × 32 against 33 × 33/);
    await expect(cut(scene('a', flat(8)), scene('b', flat(8)))).rejects.toThrow(/at least 16 × 16/);
    const fine = fakeRasterFile({
      ...northUp('EPSG:32611', -118, 34, 0.01),
      width: 40_000,
      height: 40_000,
      value: () => 1,
    });
    const coarse = fakeRasterFile({ ...utm, width: 64, height: 64, value: () => 1 });
    await expect(cut(scene('a', coarse), scene('b', fine))).rejects.toThrow(/b: expected at most .*--resolution/);
  });
});
