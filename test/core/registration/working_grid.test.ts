/** Grids and readings of pairs whose files differ in system, pixels, extent and kind of georeference. */
import { describe, expect, it } from 'vitest';
import { fitMap } from '../../../packages/core/src/geo/pixel_map.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import type { AffineTransform, Raster } from '../../../packages/core/src/raster/raster.ts';
import { applyAffine, IDENTITY, similarityAbout } from '../../../packages/core/src/registration/pixel_affine.ts';
import { scenePair } from '../../../packages/core/src/registration/scene_pair.ts';
import { registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { workingGrid } from '../../../packages/core/src/registration/working_grid.ts';
import { CRS, fileOf, NORTH_UP } from './memory_scene.ts';

const SIDE = 200;
const settings = registrationSettings.parse({ radius: '32px' });

/** Brightness 100 + x/20 + y/30 of metres from a corner, so that a sample tells where it lies. */
const ramp = (side: number, transform: AffineTransform, bands = 1): Raster => ({
  data: Float32Array.from({ length: side * side * bands }, (_, i) => {
    const pixel = Math.floor(i / bands);
    const [x, y] = applyAffine(transform, (pixel % side) + 0.5, Math.floor(pixel / side) + 0.5);
    return 100 + (x - 400000) / 20 + (3800000 - y) / 30;
  }),
  ...{ width: side, height: side, bands, unit: 'digital number' },
});
const rampFile = (transform: AffineTransform, side = SIDE) => fileOf(ramp(side, transform), transform);
const named = (file: ReturnType<typeof fileOf>, name: string) => ({ file, name });
const sar = named(rampFile(NORTH_UP), 'sar.tif');

describe('workingGrid', () => {
  it('has the pixels of the SAR file, whatever the optical georeference', () => {
    const turned: AffineTransform = [400100, 9.99, 0.3, 3800050, 0.3, -9.99];
    const grid = workingGrid(sar, named(rampFile(turned), 'optical.tif'), settings);
    expect(grid).toMatchObject({ crs: CRS, transform: NORTH_UP, width: SIDE, height: SIDE, radius: 32 });
    expect(grid.metres).toBeCloseTo(10, 1);
  });

  it('has the coarser pixels of two', () => {
    const fine: AffineTransform = [400000, 2, 0, 3800000, 0, -2];
    const grid = workingGrid(named(rampFile(fine), 'sar.tif'), named(rampFile(NORTH_UP), 'o.tif'), settings);
    expect(grid.transform[1]).toBeCloseTo(10, 6);
    expect(grid.width).toBe(40);
  });

  it('counts a radius in metres by the ground, not by the map', () => {
    const mercator: AffineTransform = [-13150000, 10, 0, 4000000, 0, -10];
    const file = (name: string) => named(fileOf(ramp(SIDE, mercator), mercator, 'EPSG:3395'), name);
    const grid = workingGrid(file('sar.tif'), file('optical.tif'), registrationSettings.parse({ radius: '300m' }));
    expect(grid.metres).toBeGreaterThan(8);
    expect(grid.metres).toBeLessThan(8.6);
    expect(grid.radius).toBeCloseTo(300 / grid.metres, 6);
  });

  it('lies in a UTM zone where both files are in degrees', () => {
    const degrees: AffineTransform = [-118, 1e-4, 0, 34, 0, -1e-4];
    const file = (name: string) => named(fileOf(ramp(SIDE, degrees), degrees, 'EPSG:4326'), name);
    expect(workingGrid(file('sar.tif'), file('optical.tif'), settings).crs).toBe('EPSG:32611');
  });

  it('is refused without a system, and without overlap within the radius', () => {
    const { crs: _, ...unplaced } = sar.file;
    expect(() => workingGrid(sar, named(unplaced, 'optical.tif'), settings)).toThrow(
      /optical\.tif: expected a reference/,
    );
    const far: AffineTransform = [500000, 10, 0, 3800000, 0, -10];
    expect(() => workingGrid(sar, named(rampFile(far), 'optical.tif'), settings)).toThrow(/found no overlap/);
    const near: AffineTransform = [400000 + 10 * SIDE + 100, 10, 0, 3800000, 0, -10];
    expect(workingGrid(sar, named(rampFile(near), 'optical.tif'), settings).width).toBeGreaterThan(0);
  });
});

describe('scenePair', () => {
  const window = { column: 60, row: 70, width: 40, height: 24 };

  /** Samples of the optical scene, told apart by the levels that scale them. */
  async function differences(optical: ReturnType<typeof fileOf>, hypothesis = IDENTITY) {
    const pair = await scenePair(sar, named(optical, 'optical.tif'), settings);
    const { read, place } = pair.through(hypothesis);
    const found = await read(window);
    const expected = Array.from({ length: window.width * window.height }, (_, i) => {
      const at = [window.column + (i % window.width) + 0.5, window.row + Math.floor(i / window.width) + 0.5] as const;
      const [x, y] = pair.grid.map.toGround(...applyAffine(place, ...at));
      return 100 + (x - 400000) / 20 + (3800000 - y) / 30;
    });
    const scale = found.data[0]! / expected[0]!;
    return expected.map((value, i) => found.data[i]! / scale - value);
  }
  const largest = (values: number[]) => Math.max(...values.map(Math.abs));

  it('reads the optical scene where the hypothesis says, by one interpolation', async () => {
    const turned: AffineTransform = [400100, 9.99, 0.3, 3800050, 0.3, -9.99];
    const hypothesis = similarityAbout([100, 100], { column: 3.3, row: -2.2, rotation: 2, scale: 1.01 });
    expect(largest(await differences(rampFile(turned), hypothesis))).toBeLessThan(0.02);
  });

  it('copies pixels after a mere shift, and says how far that is off', async () => {
    const shifted: AffineTransform = [400013, 10, 0, 3799991, 0, -10];
    const pair = await scenePair(sar, named(rampFile(shifted), 'optical.tif'), settings);
    const { place } = pair.through(IDENTITY);
    expect(place.slice(1, 3)).toEqual([1, 0]);
    expect(Math.abs(place[0])).toBeLessThanOrEqual(4.5);
    expect(largest(await differences(rampFile(shifted)))).toBeLessThan(1e-3);
  });

  it('reads other systems, finer pixels, and files placed by control points alone', async () => {
    const fine: AffineTransform = [400000, 2.5, 0, 3800000, 0, -2.5];
    expect(largest(await differences(fileOf(ramp(800, fine), fine)))).toBeLessThan(0.02);
    const toDegrees = transformBetween(CRS, 'EPSG:4326', 'optical.tif');
    const points = [0, 0.5, 1].flatMap((u) =>
      [0, 0.5, 1].map((v) => {
        const [column, row] = [u * SIDE, v * SIDE];
        const [x, y] = toDegrees(...applyAffine(NORTH_UP, column, row));
        return { column, row, x, y };
      }),
    );
    const { transform: _, ...file } = rampFile(NORTH_UP);
    const placed = { ...file, crs: 'EPSG:4326', fitted: fitMap(points, 360) };
    expect(largest(await differences(placed))).toBeLessThan(0.05);
  });

  it('scales samples by the 99 % quantile of the scene, whatever their unit', async () => {
    const decibels = ramp(SIDE, NORTH_UP);
    decibels.data.forEach((value, i) => {
      decibels.data[i] = 20 * Math.log10(value) - 80;
    });
    const other = { ...sar, file: fileOf({ ...decibels, unit: 'dB' }) };
    const optical = named(rampFile(NORTH_UP), 'optical.tif');
    const [a, b] = [await scenePair(sar, optical, settings), await scenePair(other, optical, settings)];
    const [linear, logarithmic] = [await a.sar(window), await b.sar(window)];
    expect(linear.data[0]).toBeGreaterThan(100);
    logarithmic.data.forEach((value, i) => void expect(value).toBeCloseTo(linear.data[i]!, 1));
  });
});
