import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { decodeRaster } from '../../../packages/core/src/raster/open.ts';
import { writePng } from '../../../packages/core/src/raster/png_writer.ts';

describe('writePng', () => {
  it.each([
    [1, 1, 1, 8],
    [5, 3, 3, 8],
    [64, 64, 1, 16],
    [7, 9, 3, 16],
    [255, 257, 1, 8], // 65,792 bytes: two stored blocks
    [1, 32_767, 1, 8], // 65,534 bytes: one block, but for one byte
    [200, 300, 3, 16],
  ] as const)('writes %i × %i pixels of %i band(s) and %i bits as other readers read them', async (...shape) => {
    const [width, height, bands, bits] = shape;
    const rng = Rng.derive(1, ...shape);
    const data = new (bits === 8 ? Uint8Array : Uint16Array)(width * height * bands).map(() => rng.int(2 ** bits));
    const bytes = writePng({ width, height, bands, data });
    const other = decode(bytes, { checkCrc: true });
    expect([other.width, other.height, other.channels, other.depth]).toEqual([width, height, bands, bits]);
    expect(Buffer.compare(Buffer.from(other.data.buffer), Buffer.from(data.buffer))).toBe(0);
    const own = await decodeRaster(bytes, 'patch.png');
    expect(Buffer.compare(Buffer.from(own.data.buffer), Buffer.from(new Float32Array(data).buffer))).toBe(0);
  });
});
