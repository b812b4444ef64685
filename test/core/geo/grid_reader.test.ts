import { describe, expect, it } from 'vitest';
import { commonGrid, type Grid } from '../../../packages/core/src/geo/grid.ts';
import { GridReader } from '../../../packages/core/src/geo/grid_reader.ts';
import { affineMap } from '../../../packages/core/src/geo/pixel_map.ts';
import { transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import type { AffineTransform } from '../../../packages/core/src/raster/raster.ts';
import { fakeRasterFile } from '../import/fake_raster_file.ts';

/** A field that has no seam at 180° and none at the poles. */
function field(longitude: number, latitude: number): number {
  const [lambda, phi] = [(longitude * Math.PI) / 180, (latitude * Math.PI) / 180];
  return 100 + 40 * (Math.cos(phi) * (Math.cos(lambda) + Math.sin(lambda)) + Math.sin(phi));
}

const globe = (west: number) => ({
  crs: 'EPSG:4326',
  transform: [west, 0.5, 0, 90, 0, -0.5] as AffineTransform,
  width: 720,
  height: 360,
});
const gridOf = (crs: string, transform: AffineTransform, side = 64): Grid => ({
  crs,
  map: affineMap(transform),
  width: side,
  height: side,
});

async function readAll(grid: Grid, file: Parameters<typeof fakeRasterFile>[0]) {
  const { width, height } = grid;
  return new GridReader(fakeRasterFile(file), 'test', grid, [0]).read({ column: 0, row: 0, width, height });
}

function worst(grid: Grid, { data }: { data: Float32Array }): number {
  const toLonLat = transformBetween(grid.crs!, 'EPSG:4326', 'test');
  return data.reduce((most, sample, i) => {
    const at = toLonLat(...grid.map.toGround((i % grid.width) + 0.5, Math.floor(i / grid.width) + 0.5));
    return Math.max(most, Math.abs(sample - field(...at)));
  }, 0);
}

const [fijiX, fijiY] = transformBetween('EPSG:4326', 'EPSG:32760', 'test')(178.5, -17);

describe('one Earth', () => {
  it.each<[string, Grid, ReturnType<typeof globe>]>([
    [
      'a UTM grid over 180° on a globe from 180° west',
      gridOf('EPSG:32760', [fijiX, 5000, 0, fijiY, 0, -5000]),
      globe(-180),
    ],
    [
      'a UTM grid over 180° on a globe from Greenwich',
      gridOf('EPSG:32760', [fijiX, 5000, 0, fijiY, 0, -5000]),
      globe(0),
    ],
    ['a grid from 170° to 202°', gridOf('EPSG:4326', [170.2, 0.5, 0, 20.1, 0, -0.5]), globe(-180)],
    ['a grid from 190° west', gridOf('EPSG:4326', [-190.2, 0.5, 0, 20.1, 0, -0.5]), globe(0)],
    ['a web map beyond its eastern edge', gridOf('EPSG:3857', [19.5e6, 20_000, 0, 1e6, 0, -20_000]), globe(-180)],
    ['the north pole', gridOf('EPSG:3413', [-640_000, 20_000, 0, 640_000, 0, -20_000]), globe(-180)],
    ['the south pole', gridOf('EPSG:3031', [-640_000, 20_000, 0, 640_000, 0, -20_000]), globe(0)],
  ])('%s is whole', async (_, grid, file) => {
    const raster = await readAll(grid, { ...file, value: field });
    expect(raster.noData).toBeUndefined();
    expect(worst(grid, raster)).toBeLessThan(0.3);
  });

  it('takes samples as they are on both sides of 180°, where grids are the same', async () => {
    const grid = gridOf('EPSG:4326', [170, 0.5, 0, 20, 0, -0.5]);
    const reader = new GridReader(fakeRasterFile({ ...globe(-180), value: field }), 'test', grid, [0]);
    expect(reader.isResampled).toBe(false);
    expect(worst(grid, await reader.read({ column: 0, row: 0, width: 64, height: 64 }))).toBeLessThan(1e-4);
  });

  it('takes samples as they are in a system that repeats itself after no whole number of pixels', () => {
    const place = { crs: 'EPSG:3395', transform: [1e6, 10, 0, 4e6, 0, -10] as AffineTransform };
    const file = fakeRasterFile({ ...place, width: 64, height: 64, value: field });
    expect(new GridReader(file, 'test', gridOf(place.crs, place.transform), [0]).isResampled).toBe(false);
  });

  it.each([
    ['Antarctica on an Arctic grid', 'EPSG:3413', 'EPSG:3031'],
    ['the Arctic on an Antarctic grid', 'EPSG:3031', 'EPSG:3413'],
    ['Antarctica on a grid of Europe', 'EPSG:3035', 'EPSG:3031'],
  ])('%s: nothing in common, said at once', async (_, gridCrs, fileCrs) => {
    const transform: AffineTransform = [-640_000, 10_000, 0, 640_000, 0, -10_000];
    const reader = new GridReader(
      fakeRasterFile({ crs: fileCrs, transform, width: 128, height: 128, value: field }),
      'test',
      gridOf(gridCrs, transform, 128),
      [0],
    );
    expect(reader.coverage()).toEqual([0, 0, 0, 0]);
  });

  it('hears Ctrl-C within a window that takes long', async () => {
    const grid = gridOf('EPSG:3413', [-3_000_000, 2000, 0, 3_000_000, 0, -2000], 3000);
    const file = fakeRasterFile({ ...globe(-180), value: () => 1 });
    const reader = new GridReader(file, 'test', grid, [0]);
    const controller = new AbortController();
    const read = reader.read({ column: 0, row: 0, width: 3000, height: 3000 }, controller.signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const start = performance.now();
    controller.abort(new Error('stop'));
    await expect(read).rejects.toThrow('stop');
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('a globe covers a grid whose corners it cannot be shown beyond', () => {
    const grid = gridOf('EPSG:3857', [1e6, 5000, 0, 6e6, 0, -5000]);
    const reader = new GridReader(fakeRasterFile({ ...globe(-180), value: field }), 'test', grid, [0]);
    expect(reader.coverage()).toEqual([0, 0, 64, 64]);
  });

  it('two systems of one name and other parameters lie apart', async () => {
    const laea = (latitude: number) => `+proj=laea +lat_0=${latitude} +lon_0=10 +datum=WGS84`;
    const transform: AffineTransform = [0, 1000, 0, 0, 0, -1000];
    const grid = gridOf(laea(52), transform);
    const raster = await readAll(grid, {
      crs: laea(52.1),
      transform: [-9e4, 1000, 0, 9e4, 0, -1000],
      width: 200,
      height: 200,
      value: field,
    });
    expect(worst(grid, raster)).toBeLessThan(0.01);
  });
});

describe('commonGrid', () => {
  const size = { width: 64, height: 64 };
  const at = (x: number, pixel = 10): AffineTransform => [x, pixel, 0, 5e6, 0, -pixel];
  const files = ['a.tif', 'b.tif'] as const;

  it('pairs pixel by pixel where neither file says anything, and says so', () => {
    expect(commonGrid(size, size, files).guesses).toEqual([expect.stringMatching(/neither file says where it lies/)]);
  });

  it('takes equal transforms without a system as one place, and says so', () => {
    const { guesses } = commonGrid({ ...size, transform: at(5e5) }, { ...size, transform: at(5e5) }, files);
    expect(guesses).toEqual([expect.stringMatching(/neither file names its reference system/)]);
  });

  it.each<[string, object, object, RegExp]>([
    [
      'transforms 500 m apart',
      { transform: at(5e5) },
      { transform: at(500_500) },
      /a\.tif.*a transform only.*gdal_edit\.py -a_srs/,
    ],
    ['transforms of other pixels', { transform: at(5e5) }, { transform: at(5e5, 20) }, /a transform only/],
    ['a system only', { crs: 'EPSG:32633' }, { crs: 'EPSG:32633' }, /a reference system only.*-a_ullr/],
    ['one transform only', { transform: at(5e5) }, {}, /expected a coordinate reference system and a transform/],
    [
      'one place, and one half of it',
      { crs: 'EPSG:32633', transform: at(5e5) },
      { transform: at(5e5) },
      /b\.tif.*a transform only/,
    ],
  ])('%s is refused', (_, first, second, message) => {
    expect(() => commonGrid({ ...size, ...first }, { ...size, ...second }, files)).toThrow(message);
  });
});
