import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors, type TensorData, writeSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { FormatError } from '../../../packages/core/src/errors.ts';

const tensorData = fc
  .array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })
  .chain((shape): fc.Arbitrary<TensorData> => {
    const count = shape.reduce((product, side) => product * side, 1);
    const floats = fc.array(fc.float(), { minLength: count, maxLength: count });
    const integers = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: count, maxLength: count });
    return fc.oneof(
      floats.map((values): TensorData => ({ dtype: 'F32', shape, data: Float32Array.from(values) })),
      floats.map((values): TensorData => ({ dtype: 'F64', shape, data: Float64Array.from(values) })),
      integers.map((values): TensorData => ({ dtype: 'I32', shape, data: Int32Array.from(values) })),
      integers.map((values): TensorData => ({ dtype: 'U8', shape, data: Uint8Array.from(values) })),
      integers.map((values): TensorData => ({ dtype: 'I64', shape, data: BigInt64Array.from(values.map(BigInt)) })),
    );
  });
const name = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((text) => text !== '__metadata__' && text !== '__proto__');
const file = fc.record({
  tensors: fc.array(fc.tuple(name, tensorData), { maxLength: 5 }).map((entries) => new Map(entries)),
  metadata: fc.dictionary(name, fc.string(), { maxKeys: 4, noNullPrototype: true }),
});

describe('safetensors', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(file, ({ tensors, metadata }) => {
        const read = readSafetensors(writeSafetensors(tensors, metadata), 'a.safetensors');
        expect(read.tensors).toEqual(tensors);
        expect(read.metadata).toEqual(metadata);
      }),
    );
  });

  it('refuses every file that is cut short, by name', () => {
    const tensors = new Map([['w', { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) } as TensorData]]);
    const bytes = writeSafetensors(tensors, { note: 'x' });
    for (let length = 0; length < bytes.length; length++) {
      const read = () => readSafetensors(bytes.subarray(0, length), 'cut.safetensors');
      expect(read).toThrow(FormatError);
      expect(read).toThrow(/cut\.safetensors/);
    }
  });

  it('survives any garbage with a FormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readSafetensors(bytes, 'garbage')).toThrow(FormatError);
      }),
    );
  });

  it('refuses a header whose offsets and shape disagree', () => {
    const header = JSON.stringify({ w: { dtype: 'F32', shape: [1000000], data_offsets: [0, 4] } });
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + text.length + 4);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    expect(() => readSafetensors(bytes, 'lying')).toThrow(/4000000 bytes for "w".*found 4 bytes/);
  });
});
