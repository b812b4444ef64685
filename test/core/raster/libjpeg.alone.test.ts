/** A decoder of JPEG that failed is not used again: libjpeg-turbo loses memory with each damaged stream. */
import { createRequire } from 'node:module';
import { expect, it, vi } from 'vitest';

const made = { decoders: 0, failures: 1 };

const { resolve } = createRequire(new URL('../../../packages/core/package.json', import.meta.url));
vi.doMock(resolve('@cornerstonejs/codec-libjpeg-turbo-8bit/decode'), () => ({
  default: async () => {
    if (made.failures-- > 0) throw new Error('no memory');
    return {
      JPEGDecoder: class {
        private readonly memory = new Uint8Array(1);
        private isSpoiled = false;
        constructor() {
          made.decoders++;
        }
        getEncodedBuffer = () => this.memory;
        decode() {
          this.isSpoiled ||= this.memory[0] === 0;
          if (this.isSpoiled) throw Number.POSITIVE_INFINITY;
        }
        getDecodedBuffer = () => this.memory;
      },
    };
  },
}));
const { decodeByLibjpeg } = await import('../../../packages/core/src/raster/libjpeg.ts');

const [damaged, whole] = [Uint8Array.of(0), Uint8Array.of(7)];

it('decodes what is whole after what is damaged, and after a decoder that could not be made', async () => {
  await expect(decodeByLibjpeg(whole)).rejects.toThrow('no memory');
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  await expect(decodeByLibjpeg(damaged)).rejects.toThrow('damaged');
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  expect(made.decoders).toBe(2);
});
