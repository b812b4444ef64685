/** Two scenes of one registration: bands count from 1, and the optical scene is read through a hypothesis. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { openPlaced } from '../../../packages/core/src/geo/place.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { scenePair } from '../../../packages/core/src/registration/scene_pair.ts';
import { registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { tiffFile } from '../import/image_files.ts';

const SIZE = { width: 160, height: 120 };
const PLACE = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };
const WINDOW = { column: 40, row: 32, width: 48, height: 40 };
const STAY = [0, 1, 0, 0, 0, 1] as const;

/** Ground that differs by band, also after each band is put on the common scale. */
const ground = (column: number, row: number, band: number) => 100 + 40 * Math.sin(column / (4 + band) + row / 9);

async function named(name: string, bands: number, place: typeof PLACE | undefined = PLACE) {
  const store = new MemoryStore();
  await store.write(name, await tiffFile({ ...SIZE, bands, ...(place && { place }), value: ground }));
  return { name, file: await openPlaced(store, name) };
}

async function pairOf(settings: object, bands: { sar: number; optical: number }) {
  const [sar, optical] = await Promise.all([named('sar.tif', bands.sar), named('optical.tif', bands.optical)]);
  return scenePair(sar, optical, registrationSettings.parse({ radius: '8px', ...settings }));
}

/** Largest difference of a band from another raster's band. */
function difference(a: Raster, band: number, b: Raster, other = 0): number {
  let most = 0;
  for (let pixel = 0; pixel < a.width * a.height; pixel++) {
    most = Math.max(most, Math.abs(a.data[pixel * a.bands + band]! - b.data[pixel * b.bands + other]!));
  }
  return most;
}

describe('scenePair', () => {
  it('takes the first SAR band and the first three optical ones by default, the only one where there is one', async () => {
    const several = await pairOf({}, { sar: 2, optical: 4 });
    expect((await several.sar(WINDOW)).bands).toBe(1);
    expect((await several.through(STAY).read(WINDOW)).bands).toBe(3);
    const one = await pairOf({}, { sar: 1, optical: 1 });
    const read = await one.through(STAY).read(WINDOW);
    expect([read.bands, read.width, read.height]).toEqual([1, WINDOW.width, WINDOW.height]);
    expect(difference(read, 0, await one.sar(WINDOW))).toBeLessThan(0.01); // the same ground and the same band
  });

  it('counts bands from 1', async () => {
    const bands = { sar: 3, optical: 3 };
    const asked = await pairOf({ sarBand: 2, opticalBands: [3, 2, 1] }, bands);
    const [sar, optical] = [await asked.sar(WINDOW), await asked.through(STAY).read(WINDOW)];
    expect(difference(optical, 1, sar)).toBeLessThan(0.01);
    expect(difference(optical, 0, sar)).toBeGreaterThan(10);
    const inOrder = await (await pairOf({}, bands)).through(STAY).read(WINDOW);
    for (const band of [0, 1, 2]) expect(difference(optical, band, inOrder, 2 - band)).toBeLessThan(0.01);
  });

  it.each([
    ['SAR', { sarBand: 3 }, { sar: 2, optical: 3 }, /sar\.tif.*bands from 1 to 2.*band 3 of a file with 2 bands/s],
    ['optical', { opticalBands: [1, 2, 4] }, { sar: 1, optical: 3 }, /optical\.tif.*1 to 3.*band 4 of a file with 3/s],
    ['only optical', { opticalBands: [2] }, { sar: 1, optical: 1 }, /optical\.tif.*band 1, its only one.*band 2/s],
  ])('refuses a band that the %s file does not have', async (_, settings, bands, message) => {
    const refused = pairOf(settings, bands);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  it('moves the optical scene by whole steps of 8 pixels, and says where it then lies', async () => {
    const pair = await pairOf({}, { sar: 1, optical: 1 });
    const { read, place } = pair.through([9, 1, 0, -7, 0, 1]);
    expect(place.map((each) => Math.round(each * 1e6) / 1e6 + 0)).toEqual([8, 1, 0, -8, 0, 1]);
    const there = { ...WINDOW, column: WINDOW.column + 8, row: WINDOW.row - 8 };
    expect(difference(await read(WINDOW), 0, await pair.sar(there))).toBeLessThan(0.01);
  });
});
