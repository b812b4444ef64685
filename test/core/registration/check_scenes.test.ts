/** Files that no registration can use, by small GeoTIFFs. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { type CheckedPair, checkScenes } from '../../../packages/core/src/registration/check_scenes.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { tiffFile } from '../import/image_files.ts';

const SIDE = 96;
const PLACE = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };

const radar = (seed: number) => {
  const rng = Rng.derive(seed, 'radar');
  return () => 100 * rng.float();
};

async function storeWith(files: Record<string, (column: number, row: number) => number>): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [name, value] of Object.entries(files)) {
    await store.write(name, await tiffFile({ width: SIDE, height: SIDE, place: PLACE, value }));
  }
  return store;
}

const check = async (
  sar: (column: number, row: number) => number,
  optical: (column: number, row: number) => number,
  options: Partial<CheckedPair> = {},
) =>
  checkScenes(await storeWith({ 'sar.tif': sar, 'optical.tif': optical }), {
    sar: 'sar.tif',
    optical: 'optical.tif',
    ...options,
  });

describe('checkScenes', () => {
  it('takes a radar and an optical scene', async () => {
    await check(radar(1), radar(2));
    await check((column) => -20 + (column % 7), radar(2), { sarUnit: 'dB' });
  });

  it('refuses the same file twice, and a copy of it', async () => {
    const store = await storeWith({ 'sar.tif': radar(1), 'copy.tif': radar(1) });
    await expect(checkScenes(store, { sar: 'sar.tif', optical: 'sar.tif' })).rejects.toThrow('the same file twice');
    await expect(checkScenes(store, { sar: 'sar.tif', optical: 'copy.tif' })).rejects.toThrow('two copies of one file');
  });

  it('refuses bands that are not there, by their number from 1', async () => {
    await check(radar(1), radar(2), { sarBand: 1, opticalBands: [1] });
    await expect(check(radar(1), radar(2), { sarBand: 2 })).rejects.toThrow(
      'register sar.tif: expected band 1, its only one, found band 2 of a file with 1 band, counted from 1',
    );
    await expect(check(radar(1), () => 7, { opticalBands: [1, 5] })).rejects.toThrow('band 5 of a file with 1 band');
  });

  it('refuses a scene of one value', async () => {
    await expect(check(radar(1), () => 7)).rejects.toThrow(
      'Cannot register optical.tif: expected a scene with structure, found the value 7 only',
    );
    await expect(check(() => 0, radar(1))).rejects.toThrow(UsageError);
  });

  it('refuses swapped scenes, unless they are right as named', async () => {
    const decibels = (column: number) => -20 + (column % 7);
    await expect(check(radar(1), decibels)).rejects.toThrow('them swapped, it seems: optical.tif holds values below 0');
    await check(radar(1), decibels, { asNamed: true });
  });

  it('refuses samples that contradict their unit', async () => {
    await expect(check((column) => -20 + (column % 7), radar(2))).rejects.toThrow('Say so: --sar-unit dB');
    await expect(check(radar(1), radar(2), { sarUnit: 'dB' })).rejects.toThrow('values up to');
  });
});
