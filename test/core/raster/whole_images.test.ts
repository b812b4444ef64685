/** PNG and JPEG, which are decoded as a whole, and patches as files. */

import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { encode as encodePng } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { FormatError, isDoppelError } from '../../../packages/core/src/errors.ts';
import { encodePatch } from '../../../packages/core/src/raster/encode_patch.ts';
import { decodeRaster, openRaster } from '../../../packages/core/src/raster/open.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { CountingStore } from './counting_store.ts';

const raster = (width: number, height: number, bands: number, data: ArrayLike<number>): Raster => ({
  ...{ width, height, bands, unit: 'digital number' },
  data: Float32Array.from(data),
});

describe('PNG', () => {
  it.each([8, 16] as const)('of %i bits, gray and colour', async (depth) => {
    for (const channels of [1, 3]) {
      const samples = Array.from({ length: 6 * 5 * channels }, (_, i) => (i * 257 * 5) % 2 ** depth);
      const data = depth === 8 ? Uint8Array.from(samples) : Uint16Array.from(samples);
      const read = await decodeRaster(encodePng({ width: 6, height: 5, channels, depth, data }), 'a.png');
      expect([read.width, read.height, read.bands, read.unit]).toEqual([6, 5, channels, 'digital number']);
      expect(Array.from(read.data)).toEqual(samples);
    }
  });

  it('of few bits, several in a byte', async () => {
    const data = Uint8Array.from([0b10100000, 0b01100000]);
    const read = await decodeRaster(encodePng({ width: 3, height: 2, channels: 1, depth: 1, data }), 'a.png');
    expect(Array.from(read.data)).toEqual([1, 0, 1, 0, 1, 1]);
  });

  it('takes alpha 0 for missing', async () => {
    const data = Uint8Array.from([1, 2, 3, 255, 4, 5, 6, 0]);
    const read = await decodeRaster(encodePng({ width: 2, height: 1, channels: 4, depth: 8, data }), 'a.png');
    expect(Array.from(read.data)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(read.noData!)).toEqual([0, 1]);
  });

  it('knows its size from the header alone, and cuts windows', async () => {
    const data = Uint8Array.from({ length: 400 * 300 }, (_, i) => (i * 7919) % 256);
    const store = new CountingStore();
    store.files.set('a.png', encodePng({ width: 400, height: 300, channels: 1, data }));
    const file = await openRaster(store, 'a.png');
    expect([file.width, file.height, file.bands]).toEqual([400, 300, 1]);
    expect(store.bytesRead).toBeLessThan(100);
    const part = await file.read({ column: 390, row: 290, width: 10, height: 10 });
    expect(part.data[11]).toBe(data[291 * 400 + 391]);
  });

  it('fails with an error of ours wherever it is cut, and whatever byte is wrong', async () => {
    const rng = Rng.derive(1, 'png');
    const good = encodePng({
      width: 20,
      height: 20,
      channels: 1,
      data: Uint8Array.from({ length: 400 }, () => rng.int(256)),
    });
    for (let length = 0; length < good.length; length++) {
      await expect(decodeRaster(good.subarray(0, length), 'cut.png')).rejects.toThrow(FormatError);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = good.slice();
        bytes[at]! ^= change;
        const result = await decodeRaster(bytes, 'odd.png').catch((each: unknown) => each);
        expect(result instanceof Error ? isDoppelError(result) : true).toBe(true);
      }),
    );
  });

  it('does not allocate by a lying header, nor inflate a bomb', async () => {
    const lie = pngOf(10_000, 10_000, new Uint8Array(deflateSync(new Uint8Array(100))));
    await expect(decodeRaster(lie, 'lie.png')).rejects.toThrow(/cannot hold them/);
    const bomb = pngOf(10, 10, new Uint8Array(deflateSync(new Uint8Array(100_000_000))));
    await expect(decodeRaster(bomb, 'bomb.png')).rejects.toThrow(/inflates to more/);
  });
});

/** A gray PNG of 8 bits with any data. */
function pngOf(width: number, height: number, data: Uint8Array): Uint8Array {
  const good = encodePng({ width: 1, height: 1, channels: 1, data: new Uint8Array(1) });
  const header = good.slice(0, 33);
  const view = new DataView(header.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  view.setUint32(29, crc32(header.subarray(12, 29)));
  const chunk = new Uint8Array(12 + data.length);
  new DataView(chunk.buffer).setUint32(0, data.length);
  chunk.set([0x49, 0x44, 0x41, 0x54], 4);
  chunk.set(data, 8);
  new DataView(chunk.buffer).setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return Uint8Array.from([...header, ...chunk, ...good.slice(-12)]);
}

describe('JPEG', () => {
  const rgba = Uint8Array.from({ length: 32 * 24 * 4 }, (_, i) => [200, 100, 50, 255][i % 4]!);
  const jpeg = new Uint8Array(encodeJpeg({ width: 32, height: 24, data: rgba }, 95).data);

  it('gives colours, about', async () => {
    const read = await decodeRaster(jpeg, 'a.jpg');
    expect([read.width, read.height, read.bands]).toEqual([32, 24, 3]);
    for (const [i, wanted] of [200, 100, 50].entries()) expect(Math.abs(read.data[i]! - wanted)).toBeLessThan(4);
  });

  it('fails with an error of ours wherever it is cut in its header, and where its size lies', async () => {
    for (let length = 3; length < 600; length += 13) {
      await expect(decodeRaster(jpeg.subarray(0, length), 'cut.jpg')).rejects.toThrow(FormatError);
    }
    const lie = jpeg.slice();
    const frame = lie.findIndex((byte, i) => byte === 0xff && lie[i + 1] === 0xc0);
    lie.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    await expect(decodeRaster(lie, 'lie.jpg')).rejects.toThrow(/cannot hold them/);
  });
});

it('another format is refused with what was found', async () => {
  const gif = new TextEncoder().encode('GIF89a, and so on');
  await expect(decodeRaster(gif, 'a.gif')).rejects.toThrow(/expected a GeoTIFF, PNG or JPEG, found .* 47 49 46 38/);
  await expect(decodeRaster(new Uint8Array(0), 'empty.tif')).rejects.toThrow('an empty file');
  await expect(openRaster(new MemoryStore(), 'absent.tif')).rejects.toThrow('absent.tif');
});

describe('patches as files', () => {
  const sides = fc.integer({ min: 1, max: 12 });
  const patches = fc.tuple(sides, sides, fc.integer({ min: 1, max: 4 })).chain(([width, height, bands]) => {
    const length = { minLength: width * height * bands, maxLength: width * height * bands };
    const samples = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 255 }), length),
      fc.array(fc.integer({ min: 0, max: 65_535 }), length),
      fc.array(fc.float({ noDefaultInfinity: true }), length),
    );
    return samples.map((data) => raster(width, height, bands, data));
  });

  it('come back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(patches, async (patch) => {
        const { bytes, extension } = encodePatch(patch);
        const back = await decodeRaster(bytes, `patch.${extension}`);
        expect([back.width, back.height, back.bands]).toEqual([patch.width, patch.height, patch.bands]);
        expect(back.data).toEqual(patch.data);
        expect(back.noData?.some(Boolean) ?? false).toBe(patch.data.some(Number.isNaN));
      }),
    );
  });

  it('are PNG where that loses nothing, and keep what is missing', async () => {
    expect(encodePatch(raster(2, 1, 1, [0, 255])).extension).toBe('png');
    expect(encodePatch(raster(2, 1, 1, [0, 65_536])).extension).toBe('tif');
    const masked = { ...raster(2, 1, 1, [3, 4]), noData: Uint8Array.from([0, 1]) };
    const back = await decodeRaster(encodePatch(masked).bytes, 'patch');
    expect(Array.from(back.data)).toEqual([3, Number.NaN]);
    expect(Array.from(back.noData!)).toEqual([0, 1]);
  });
});
