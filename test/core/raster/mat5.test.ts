import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, isDoppelError } from '../../../packages/core/src/errors.ts';
import { type Mat5Matrix, readMat5 } from '../../../packages/core/src/raster/mat5.ts';
import { matFile } from '../import/image_files.ts';

/** Storage types by name: code, bytes, writer. */
const STORAGE = {
  int8: [1, 1, 'setInt8'],
  uint8: [2, 1, 'setUint8'],
  int16: [3, 2, 'setInt16'],
  uint16: [4, 2, 'setUint16'],
  int32: [5, 4, 'setInt32'],
  uint32: [6, 4, 'setUint32'],
  single: [7, 4, 'setFloat32'],
  double: [9, 8, 'setFloat64'],
} as const;
type Storage = keyof typeof STORAGE;
const CLASSES = { cell: 1, struct: 2, char: 4, sparse: 5, double: 6, single: 7, int8: 8, int16: 10, int64: 14 };

interface Options {
  little?: boolean;
  compressed?: boolean;
  storage?: Storage;
  class?: number;
  flags?: number;
  /** Written instead of the matrix's own. */
  dimensions?: number[];
  /** Small elements are packed into their tag. */
  small?: boolean;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function numbers(values: readonly number[], storage: Storage, little: boolean): Uint8Array {
  const [, size, set] = STORAGE[storage];
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view[set](i * size, value, little);
  return bytes;
}

function element(type: number, body: Uint8Array, little: boolean, small = false): Uint8Array {
  const word = (value: number) => numbers([value], 'uint32', little);
  if (small && body.length <= 4) return concat(word(body.length * 65536 + type), body, new Uint8Array(4 - body.length));
  return concat(word(type), word(body.length), body, new Uint8Array((8 - (body.length % 8)) % 8));
}

/** The element of one matrix. */
function variable(name: string, rows: number, columns: number, values: readonly number[], options: Options = {}) {
  const { little = true, compressed = false, storage = 'double', small = false } = options;
  const byColumn = Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  );
  const code = options.class ?? CLASSES.double;
  const body = concat(
    element(6, numbers([code + (options.flags ?? 0), 0], 'uint32', little), little),
    element(5, numbers(options.dimensions ?? [rows, columns], 'int32', little), little),
    element(1, new TextEncoder().encode(name), little, small),
    element(STORAGE[storage][0], numbers(byColumn, storage, little), little, small),
  );
  const matrix = element(14, body, little);
  if (!compressed) return matrix;
  const zlib = deflateSync(matrix);
  return concat(numbers([15, zlib.length], 'uint32', little), zlib); // not padded
}

function header(little: boolean): Uint8Array {
  const bytes = new Uint8Array(128);
  bytes.set(new TextEncoder().encode('MATLAB 5.0 MAT-file, made by a test'.padEnd(124)));
  bytes.set(little ? [0, 1, 0x49, 0x4d] : [1, 0, 0x4d, 0x49], 124);
  return bytes;
}

const file = (little: boolean, ...variables: Uint8Array[]) => concat(header(little), ...variables);
const rowsOf = ({ rows, columns, data }: Mat5Matrix) =>
  Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);

const matrix = fc
  .record({ rows: fc.integer({ min: 1, max: 5 }), columns: fc.integer({ min: 1, max: 5 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      ...{ rows: fc.constant(rows), columns: fc.constant(columns) },
      values: fc.array(fc.integer({ min: 0, max: 127 }), { minLength: rows * columns, maxLength: rows * columns }),
      options: fc.record({
        little: fc.boolean(),
        compressed: fc.boolean(),
        small: fc.boolean(),
        storage: fc.constantFrom(...(Object.keys(STORAGE) as Storage[])),
        class: fc.constantFrom(6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      }),
    }),
  );

describe('readMat5', () => {
  it('reads rows as rows', () => {
    const read = readMat5(
      matFile('ampCrop', 2, 3, (row, column) => 10 * row + column + 0.5),
      'a.mat',
    );
    expect([...read.keys()]).toEqual(['ampCrop']);
    expect(rowsOf(read.get('ampCrop')!)).toEqual([
      [0.5, 1.5, 2.5],
      [10.5, 11.5, 12.5],
    ]);
  });

  it('reads any byte order, class and storage, compressed or not', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, values, options }) => {
        const bytes = file(options.little, variable('x', rows, columns, values, options));
        expect([...readMat5(bytes, 'a.mat')]).toEqual([['x', { rows, columns, data: Float64Array.from(values) }]]);
      }),
    );
  });

  it('reads negative and broken numbers in what holds them, and 64 bits', () => {
    const values = [-3, 5, -128, 127];
    for (const storage of ['int8', 'int16', 'int32', 'single', 'double'] as const) {
      for (const little of [true, false]) {
        const read = readMat5(file(little, variable('x', 2, 2, values, { storage, little })), 'a.mat');
        expect([...read.get('x')!.data]).toEqual(values);
      }
    }
    const long = new Uint8Array(8);
    new DataView(long.buffer).setBigInt64(0, -5n, true);
    const wide = variable('x', 1, 1, [0], { class: CLASSES.int64 });
    wide.set(numbers([12], 'uint32', true), wide.length - 16);
    wide.set(long, wide.length - 8);
    expect([...readMat5(file(true, wide), 'a.mat').get('x')!.data]).toEqual([-5]);
  });

  it('reads several variables and passes over what is no matrix of real numbers', () => {
    const other = (name: string, options: Options) => variable(name, 1, 2, [1, 2], options);
    for (const compressed of [false, true]) {
      const bytes = file(
        true,
        variable('first', 1, 2, [1, 2], { compressed, storage: 'int16' }),
        other('cell', { compressed, class: CLASSES.cell }),
        other('struct', { compressed, class: CLASSES.struct }),
        other('text', { compressed, class: CLASSES.char }),
        other('sparse', { compressed, class: CLASSES.sparse }),
        other('complex', { compressed, flags: 0x0800 }),
        other('cube', { compressed, dimensions: [1, 2, 1] }),
        other('', { compressed }),
        variable('empty', 0, 0, [], { compressed }),
        variable('flags', 2, 1, [1, 0], { compressed, storage: 'uint8', class: 9, flags: 0x0200 }),
      );
      const read = readMat5(bytes, 'a.mat');
      expect([...read.keys()]).toEqual(['first', 'empty', 'flags']);
      expect(rowsOf(read.get('flags')!)).toEqual([[1], [0]]);
      expect(read.get('empty')).toEqual({ rows: 0, columns: 0, data: new Float64Array() });
    }
    expect(readMat5(file(true), 'a.mat').size).toBe(0);
  });

  it('reads a view into a larger buffer, and large compressed matrices', () => {
    const values = Array.from({ length: 256 * 256 }, (_, i) => Math.sin(i));
    const bytes = file(true, variable('x', 256, 256, values, { compressed: true }));
    const framed = new Uint8Array(bytes.length + 20);
    framed.set(bytes, 13);
    const read = readMat5(framed.subarray(13, 13 + bytes.length), 'a.mat');
    expect(read.get('x')!.data).toEqual(Float64Array.from(values));
  });

  it('says of a cut file that it is cut, at every byte, or reads what is whole', () => {
    for (const options of [
      {},
      { compressed: true },
      { little: false, storage: 'int16' },
      { small: true, storage: 'uint8' },
    ] as Options[]) {
      const [a, b] = [variable('first', 2, 3, [1, 2, 3, 4, 5, 6], options), variable('y', 1, 1, [7], options)];
      const bytes = file(options.little ?? true, a, b);
      const whole = [128, 128 + a.length, bytes.length];
      for (let length = 0; length <= bytes.length; length++) {
        const read = () => readMat5(bytes.subarray(0, length), 'cut.mat');
        if (whole.includes(length)) expect(read().size).toBe(whole.indexOf(length));
        else expect(read, `${length} bytes`).toThrow(FormatError);
        if (!whole.includes(length)) expect(read).toThrow('cut.mat');
      }
    }
  });

  it('never fails but with an error of its own, whatever the bytes', () => {
    const whole = file(
      true,
      variable('x', 2, 2, [1, 2, 3, 4]),
      variable('z', 3, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9], { compressed: true }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          try {
            readMat5(bytes, 'a.mat');
          } catch (error) {
            if (!isDoppelError(error)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('notices compressed samples that have changed', () => {
    const values = Array.from({ length: 64 }, (_, i) => i);
    const bytes = file(true, variable('x', 8, 8, values, { compressed: true }));
    bytes[bytes.length - 1]! ^= 1;
    expect(() => readMat5(bytes, 'a.mat')).toThrow(/checksum/);
  });

  it('believes no size that the file does not hold', () => {
    const start = performance.now();
    const lie =
      (dimensions: number[], options: Options = {}) =>
      () =>
        readMat5(file(true, variable('x', 1, 1, [1], { dimensions, ...options })), 'lie.mat');
    for (const compressed of [false, true]) {
      expect(lie([10_000, 10_000], { compressed })).toThrow(FormatError);
      expect(lie([2 ** 30, 2 ** 30], { compressed })).toThrow(/at most .* samples/);
      expect(lie([-1, 5], { compressed })).toThrow(/dimensions/);
      expect(lie([0, 2 ** 31 - 1], { compressed })).toThrow(FormatError);
    }
    // Zeros that inflate a thousandfold, declared as one sample.
    const bomb = element(14, concat(variable('x', 1, 1, [1]).subarray(8), new Uint8Array(50_000_000)), true);
    const zlib = deflateSync(bomb);
    expect(() => readMat5(file(true, concat(numbers([15, zlib.length], 'uint32', true), zlib)), 'bomb.mat')).toThrow(
      /at most \d+ bytes for 1 × 1/,
    );
    // And as many as claimed in the tag, but more in the stream.
    const honest = variable('x', 1, 1, [1]);
    const more = deflateSync(concat(honest, new Uint8Array(1_000_000)));
    expect(() => readMat5(file(true, concat(numbers([15, more.length], 'uint32', true), more)), 'bomb.mat')).toThrow(
      FormatError,
    );
    expect(performance.now() - start).toBeLessThan(5000);
    const wide = readMat5(file(true, variable('x', 0, 2 ** 31 - 1, [])), 'a.mat').get('x')!;
    expect(wide.data.length).toBe(0);
  });

  it('names the way out of other versions and other files', () => {
    const hdf5 = header(true);
    hdf5.set(new TextEncoder().encode('MATLAB 7.3 MAT-file'));
    hdf5.set([0, 2], 124);
    expect(() => readMat5(hdf5, 'a.mat')).toThrow(/HDF5.*'-v7'/);
    const byVersion = header(false);
    byVersion.set([2, 0], 124);
    expect(() => readMat5(byVersion, 'a.mat')).toThrow(/HDF5.*'-v7'/);
    const plain = concat(Uint8Array.of(0x89, 0x48, 0x44, 0x46), new Uint8Array(200));
    expect(() => readMat5(plain, 'a.mat')).toThrow(/HDF5.*'-v7'/);
    const level4 = concat(numbers([0, 2, 2, 0, 2], 'uint32', true), new Uint8Array(34));
    expect(() => readMat5(level4, 'a.mat')).toThrow(/level 4.*'-v7'/);
    const text = new TextEncoder().encode('no MAT-file '.repeat(20));
    expect(() => readMat5(text, 'a.mat')).toThrow(/byte order/);
    expect(() => readMat5(new Uint8Array(), 'a.mat')).toThrow(/cut short/);
  });
});
