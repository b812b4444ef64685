import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { BlockCache } from '../../../packages/core/src/raster/block_cache.ts';
import { openRaster, type RasterFile } from '../../../packages/core/src/raster/open.ts';
import { WindowReader } from '../../../packages/core/src/raster/window_reader.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { fakeRasterFile } from '../import/fake_raster_file.ts';
import { pngFile } from '../import/image_files.ts';

const [WIDTH, HEIGHT] = [300, 200];

/** File of blocks of 64 × 64 whose samples are a rule of their place. */
function blockFile(value: (x: number, y: number, band: number) => number, bands = 1) {
  const file = fakeRasterFile({ width: WIDTH, height: HEIGHT, bands, value });
  return { ...file, block: { width: 64, height: 64 } };
}

function readerOf(file: RasterFile, cache = new BlockCache(), onOpen = () => {}) {
  const { width, height, imageBands: bands } = file;
  const open = async () => {
    onOpen();
    return file;
  };
  return new WindowReader({ width, height, bands, unit: 'digital number', open }, cache);
}

/** Random windows, also over the edges. */
function windows(count: number) {
  const rng = Rng.derive(3, 'windows');
  return Array.from({ length: count }, () => ({
    ...{ column: rng.int(WIDTH + 80) - 60, row: rng.int(HEIGHT + 80) - 60 },
    ...{ width: 1 + rng.int(150), height: 1 + rng.int(150) },
  }));
}

describe('WindowReader', () => {
  const rules: [string, number, (x: number, y: number, band: number) => number][] = [
    ['8-bit samples', 1, (x, y) => (x * 7 + y * 3) % 256],
    ['8-bit colours', 3, (x, y, band) => (x * 7 + y * 3 + band * 50) % 256],
    ['16-bit samples', 1, (x, y) => x * 200 + y],
    ['floats', 1, (x, y) => x / 7 - y],
    ['missing samples', 1, (x, y) => ((x + y) % 11 === 0 ? Number.NaN : (x + y) % 256)],
    ['missing colours', 3, (x, y, band) => (x % 90 < 5 ? Number.NaN : x / 3 + y + band)],
  ];

  it.each(rules)('reads windows of %s as the file does, and NaN where it ends', async (_, bands, value) => {
    const reader = readerOf(blockFile(value, bands));
    for (const window of windows(40)) {
      const raster = await reader.read(window);
      expect(raster).toMatchObject({ width: window.width, height: window.height, bands, unit: 'digital number' });
      let isAnyMissing = false;
      for (let i = 0; i < raster.data.length; i++) {
        const pixel = Math.floor(i / bands);
        const [x, y] = [window.column + (pixel % window.width), window.row + Math.floor(pixel / window.width)];
        const isOutside = x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT;
        const expected = isOutside ? Number.NaN : Math.fround(value(x, y, i % bands));
        isAnyMissing ||= Number.isNaN(expected);
        if (!Object.is(raster.data[i], expected)) expect([x, y, raster.data[i]]).toEqual([x, y, expected]);
        const mask = raster.noData?.[pixel] ?? 0;
        if (mask !== (Number.isNaN(expected) ? 1 : 0)) expect([x, y, mask]).toEqual([x, y, 1 - mask]);
      }
      expect(raster.noData !== undefined).toBe(isAnyMissing);
    }
  });

  it('decodes a block once, however many ask for it at a time', async () => {
    const file = blockFile((x, y) => (x + y) % 256);
    let opened = 0;
    const reader = readerOf(file, new BlockCache(), () => opened++);
    const window = { column: 10, row: 10, width: 100, height: 40 };
    await Promise.all([reader.read(window), reader.read(window), reader.read(window)]);
    await reader.read({ ...window, row: 0 });
    expect(file.windows).toHaveLength(2);
    expect(opened).toBe(1);
  });

  it('drops the least recently used block first, and keeps within the limit', async () => {
    const file = blockFile((x, y) => (x + y) % 256);
    const cache = new BlockCache({ maxBytes: 2 * 64 * 64 });
    const reader = readerOf(file, cache);
    const at = (block: number) => ({ column: block * 64, row: 0, width: 8, height: 8 });
    for (const block of [0, 1, 0, 2]) await reader.read(at(block)); // 1 leaves
    expect(cache.size).toBe(2 * 64 * 64);
    expect(file.windows).toHaveLength(3);
    await reader.read(at(0));
    expect(file.windows).toHaveLength(3);
    await reader.read(at(1));
    expect(file.windows).toHaveLength(4);
    expect(cache.size).toBe(2 * 64 * 64);
  });

  it('reads blocks that are larger than the limit, without keeping them', async () => {
    const file = blockFile((x) => x);
    const cache = new BlockCache({ maxBytes: 100 });
    const reader = readerOf(file, cache);
    const window = { column: 0, row: 0, width: 4, height: 4 };
    expect((await reader.read(window)).data[3]).toBe(3);
    expect((await reader.read(window)).data[3]).toBe(3);
    expect([cache.size, file.windows.length]).toEqual([0, 2]);
  });

  it('joins strips of few rows to blocks', async () => {
    const file = { ...blockFile((x) => x % 256), block: { width: WIDTH, height: 3 } };
    const reader = readerOf(file);
    await reader.read({ column: 0, row: 0, width: 10, height: HEIGHT });
    expect(file.windows.map(({ height }) => height)).toEqual([66, 66, 66, 2]);
  });

  it('opens an image of one block for each decoding, and does not keep it', async () => {
    const store = new MemoryStore();
    await store.write(
      'a.png',
      pngFile(128, 3, (pixel, band) => (pixel + band) % 251),
    );
    let opened = 0;
    const open = () => {
      opened++;
      return openRaster(store, 'a.png');
    };
    const cache = new BlockCache();
    const reader = new WindowReader({ width: 128, height: 128, bands: [0, 1, 2], unit: 'digital number', open }, cache);
    for (let i = 0; i < 5; i++) {
      const { data } = await reader.read({ column: i, row: 7, width: 16, height: 16 });
      expect(data[4]).toBe((7 * 128 + i + 2) % 251);
    }
    expect(opened).toBeLessThanOrEqual(2);
    expect(cache.size).toBe(128 * 128 * 3);
  });

  it('reads a file that was not there the first time', async () => {
    const store = new MemoryStore();
    const open = () => openRaster(store, 'a.png');
    const reader = new WindowReader(
      { width: 16, height: 16, bands: [0], unit: 'digital number', open },
      new BlockCache(),
    );
    const window = { column: 0, row: 0, width: 2, height: 2 };
    await expect(reader.read(window)).rejects.toThrow('a.png');
    await store.write(
      'a.png',
      pngFile(16, 1, () => 9),
    );
    expect([...(await reader.read(window)).data]).toEqual([9, 9, 9, 9]);
  });
});
