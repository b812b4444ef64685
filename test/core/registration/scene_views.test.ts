/** Views of two scenes of which the optical one is stated 6 columns and 4 rows off its place. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { detailsOf, readViews } from '../../../packages/core/src/registration/scene_views.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { madeRegistration } from '../../report/registration_fixture.ts';
import { tiffFile } from '../import/image_files.ts';

const [WIDTH, HEIGHT, PIXEL] = [300, 200, 10];
const PLACE = { epsg: 32611, longitude: -118, latitude: 34, pixel: PIXEL };
const SHIFT = { column: 6, row: 4 };

const ground = (column: number, row: number) => 100 + 50 * Math.sin(column / 9) + 50 * Math.cos(row / 7);

const store = new MemoryStore();
let registration: ReturnType<typeof madeRegistration>;
beforeAll(async () => {
  const size = { width: WIDTH, height: HEIGHT, place: PLACE };
  await store.write('scenes/sar.tif', await tiffFile({ ...size, value: ground }));
  const shown = (column: number, row: number) => ground(column - SHIFT.column, row - SHIFT.row);
  const optical = await tiffFile({ ...size, bands: 3, value: (column, row, band) => shown(column, row) + band });
  await store.write('scenes/<optical>.tif', optical);
  const { openPlaced } = await import('../../../packages/core/src/geo/place.ts');
  const { transform } = await openPlaced(store, 'scenes/sar.tif');
  const [x, , , y] = transform!;
  const [unit, moved] = [1000, (value: number, by: number) => value + by * PIXEL];
  registration = madeRegistration({
    grid: { crs: 'EPSG:32611', transform: transform!, width: WIDTH, height: HEIGHT, metres: PIXEL },
    correction: {
      crs: 'EPSG:32611',
      map: {
        ...{ kind: 'shift', origin: [x, y], scale: unit },
        x: [moved(x, -SHIFT.column), unit, 0],
        y: [moved(y, SHIFT.row), 0, unit],
      },
    },
  });
});

/** Largest difference of the first bands away from the edges. */
function difference(a: Raster, b: Raster): number {
  let most = 0;
  for (let row = 10; row < a.height - 10; row++) {
    for (let column = 10; column < a.width - 10; column++) {
      const pixel = row * a.width + column;
      most = Math.max(most, Math.abs(a.data[pixel * a.bands]! - b.data[pixel * b.bands]!));
    }
  }
  return most;
}

describe('readViews', () => {
  it('shows the whole grid reduced, and the optical scene on the SAR scene once corrected', async () => {
    const [overview] = await readViews(store, registration, { overview: 150, detail: 60 });
    const { sar, before, after, window } = overview;
    expect(window).toEqual({ column: 0, row: 0, width: WIDTH, height: HEIGHT });
    expect([sar.width, sar.height, sar.bands, before.bands]).toEqual([150, 100, 1, 3]);
    expect(difference(sar, after!)).toBeLessThan(1);
    expect(difference(sar, before)).toBeGreaterThan(20);
  });

  it('shows the optical bands that are asked for, counted from 1', async () => {
    const [{ before: shown }] = await readViews(store, registration, { overview: 150, opticalBands: [3] });
    const [{ before: all }] = await readViews(store, registration, { overview: 150, opticalBands: [3, 2, 1] });
    const [{ before: plain }] = await readViews(store, registration, { overview: 150 });
    expect([shown.bands, all.bands]).toEqual([1, 3]);
    expect(difference(shown, all)).toBe(0);
    expect(difference(shown, plain)).toBeCloseTo(2, 3); // each band is 1 more than the one before
  });

  it('marks as missing what the corrected scene does not reach', async () => {
    const [{ after }] = await readViews(store, registration, { overview: 300, detail: 60 });
    expect(after!.noData![0]).toBe(0);
    expect(after!.noData![WIDTH * HEIGHT - 1]).toBe(1);
  });

  it('shows details at the held-out points that fit best, in the middle and worst', async () => {
    const [, ...details] = await readViews(store, registration, { detail: 60 });
    expect(details.map(({ heading }) => heading.replace(/\d+:/, 'N:').replace(/[\d.]+ px/, 'R px'))).toEqual([
      'Held-out cell N: smallest residual R px',
      'Held-out cell N: median residual R px',
      'Held-out cell N: largest residual R px',
    ]);
    expect(details.every(({ sar }) => sar.width === 60 && sar.height === 60)).toBe(true);
  });

  it('has no corrected scene where there is no correction', async () => {
    const { correction: _, ...rest } = registration;
    const [overview, middle] = await readViews(store, { ...rest, points: [] }, { overview: 100 });
    expect(overview.after).toBeUndefined();
    expect(middle!.heading).toBe('The middle of the scene');
  });

  it('stops at Ctrl-C', async () => {
    await expect(readViews(store, registration, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
      'stop',
    );
  });
});

describe('detailsOf', () => {
  it('keeps windows on the grid', () => {
    for (const { window } of detailsOf(registration, 250)) {
      expect(window.column).toBeGreaterThanOrEqual(0);
      expect(window.row).toBe(0);
      expect(window.column + window.width).toBeLessThanOrEqual(WIDTH);
      expect(window.height).toBe(HEIGHT);
    }
  });

  it('names one or two points by their residual alone', () => {
    const { points } = registration;
    const [one] = points.filter(({ heldOut }) => heldOut);
    expect(detailsOf({ ...registration, points: [one!] }, 60)[0]!.heading).toMatch(
      /^Held-out cell \d+: residual [\d.]+ px$/,
    );
  });
});
