/** A decoder of JPEG that failed is not used again: libjpeg-turbo loses memory with each damaged stream. */
import { expect, it, vi } from 'vitest';
import { decodeByLibjpeg } from '../../../packages/core/src/raster/libjpeg.ts';

const made = vi.hoisted(() => ({ decoders: 0, failures: 1 }));

vi.mock('@cornerstonejs/codec-libjpeg-turbo-8bit/decode', () => ({
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

const [damaged, whole] = [Uint8Array.of(0), Uint8Array.of(7)];

it('decodes what is whole after what is damaged, and after a decoder that could not be made', async () => {
  await expect(decodeByLibjpeg(whole)).rejects.toThrow('no memory');
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  await expect(decodeByLibjpeg(damaged)).rejects.toThrow('damaged');
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  expect(await decodeByLibjpeg(whole)).toEqual(whole);
  expect(made.decoders).toBe(2);
});
