/**
 * MAT-files of level 5 (MATLAB's `-v6` and `-v7`, scipy's `savemat`), in which SARptical and its like are published:
 * the real matrices of numbers in them. MathWorks, MAT-File Format, chapter 1.
 *
 * A file is a header of 128 bytes and elements, each a tag (type, length) and its bytes. A matrix is an element of
 * elements: flags with the class, dimensions, name, samples; or the same, deflated. Lengths are held against the bytes
 * that are there before anything is read or allocated by them.
 */
import { Unzlib } from 'fflate';
import { concatenateBytes } from '../base/concatenate.ts';
import { FormatError } from '../errors.ts';
import { adler32 } from './inflate.ts';

export interface Mat5Matrix {
  rows: number;
  columns: number;
  /** [rows, columns], row by row, though the file has it column by column. */
  data: Float64Array;
}

const HEADER_BYTES = 128;
/** Maximum number of samples of a matrix (1 GB of doubles): a larger one is no patch, or damaged. */
const MAX_SAMPLES = 2 ** 27;
/** MATLAB's names have up to 63 letters; others write longer ones. */
const MAX_NAME = 4096;
/** Maximum inflated bytes for each byte of DEFLATE. */
const MAX_INFLATION = 1032;
/** Compressed bytes that are inflated at once: they give at most about 4 MB. */
const INFLATE_STEP = 4096;

const MATRIX = 14;
const COMPRESSED = 15;
const COMPLEX_FLAG = 0x0800;
/** Classes double, single and all integers; others are cells, structs, objects, text, sparse matrices and functions. */
const isNumeric = (matrixClass: number) => matrixClass >= 6 && matrixClass <= 15;

interface StorageType {
  bytes: number;
  read(view: DataView, at: number, littleEndian: boolean): number;
}

/** Storage types by type code. A class may be stored in any of them, if its values fit. */
const STORAGE: ReadonlyMap<number, StorageType> = new Map([
  [1, { bytes: 1, read: (view, at) => view.getInt8(at) }],
  [2, { bytes: 1, read: (view, at) => view.getUint8(at) }],
  [3, { bytes: 2, read: (view, at, little) => view.getInt16(at, little) }],
  [4, { bytes: 2, read: (view, at, little) => view.getUint16(at, little) }],
  [5, { bytes: 4, read: (view, at, little) => view.getInt32(at, little) }],
  [6, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
  [7, { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) }],
  [9, { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) }],
  [12, { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) }],
  [13, { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) }],
] satisfies [number, StorageType][]);

/**
 * Reads the two-dimensional real matrices of numbers (and of logicals, as 0 and 1), by name; others are skipped.
 * Integers of 64 bits beyond 2⁵³ are rounded.
 *
 * @param file names the file in messages.
 * @throws FormatError where it is no MAT-file of level 5, is cut short, or its lengths do not agree.
 */
export function readMat5(bytes: Uint8Array, file: string): Map<string, Mat5Matrix> {
  const littleEndian = byteOrderOf(bytes, file);
  const matrices = new Map<string, Mat5Matrix>();
  const complex: string[] = [];
  const reader = new ElementReader(bytes, littleEndian, file, HEADER_BYTES);
  while (!reader.isAtEnd) {
    const { type, body } = reader.next();
    const matrix =
      type === MATRIX
        ? readMatrix(body, littleEndian, file)
        : type === COMPRESSED
          ? readCompressed(body, littleEndian, file)
          : undefined;
    if (matrix?.content) matrices.set(matrix.name, matrix.content);
    else if (matrix) complex.push(matrix.name);
  }
  if (matrices.size === 0 && complex.length > 0) throw onlyComplex(complex, file);
  return matrices;
}

/** @returns true for a little-endian file. @throws FormatError if the file is not level 5. */
function byteOrderOf(bytes: Uint8Array, file: string): boolean {
  const expected = 'a MAT-file of level 5';
  const refuse = (found: string, remedy: string): never => {
    throw new FormatError({ action: 'read the MAT-file', file, expected, found, remedy });
  };
  const saveAgain = "Save it again in MATLAB or Octave with save(…, '-v7').";
  const hdf5 = 'version 7.3, which is HDF5';
  const text = String.fromCharCode(...bytes.subarray(0, HEADER_BYTES));
  if (text.startsWith('MATLAB 7.3') || text.startsWith('\x89HDF')) refuse(hdf5, saveAgain);
  if (bytes.length >= 20 && bytes.subarray(0, 4).includes(0)) refuse('level 4, or no MAT-file', saveAgain);
  if (bytes.length < HEADER_BYTES) refuse(`${bytes.length} bytes`, 'The file is cut short: copy it again.');
  const order = text.slice(126, 128);
  if (order !== 'IM' && order !== 'MI') refuse('no mark of the byte order', `Is it a MAT-file? ${saveAgain}`);
  // As a number it reads 0x0100 or, HDF5, 0x0200.
  const version = bytes[order === 'IM' ? 125 : 124];
  if (version !== 1) refuse(version === 2 ? hdf5 : `version ${version}`, saveAgain);
  return order === 'IM';
}

function onlyComplex(names: readonly string[], file: string): FormatError {
  const [name] = names;
  return new FormatError({
    ...{ action: 'read the MAT-file', file, expected: 'a real matrix', found: `none: "${name}" holds complex numbers` },
    remedy: `Save the magnitude in MATLAB or Octave: a = abs(${name}); save('${file}', 'a', '-v7').`,
  });
}

const damaged = (file: string, expected: string, found: string, cause?: unknown) =>
  new FormatError({
    ...{ action: 'read the MAT-file', file, expected, found, cause },
    remedy: 'The file is cut short or damaged: copy it again.',
  });

interface Element {
  type: number;
  body: Uint8Array;
}

/** Reads element after element. */
class ElementReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly littleEndian: boolean;
  private readonly file: string;
  private at: number;

  constructor(bytes: Uint8Array, littleEndian: boolean, file: string, at = 0) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.littleEndian = littleEndian;
    this.file = file;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** @throws FormatError where the bytes end first. */
  next(): Element {
    const left = this.bytes.length - this.at;
    if (left < 8) throw damaged(this.file, 'an element with a tag of 8 bytes', `${left} bytes`);
    const word = this.view.getUint32(this.at, this.littleEndian);
    // Up to 4 bytes are packed into the tag: then its first half is not 0, but their number.
    const isSmall = word >>> 16 !== 0;
    const type = isSmall ? word & 0xffff : word;
    const length = isSmall ? word >>> 16 : this.view.getUint32(this.at + 4, this.littleEndian);
    const start = this.at + (isSmall ? 4 : 8);
    if (isSmall ? length > 4 : length > left - 8) {
      throw damaged(this.file, `an element of ${length} bytes`, `${isSmall ? 4 : left - 8}`);
    }
    // The next one starts at a multiple of 8, except after a compressed one.
    const padded = type === COMPRESSED ? length : Math.ceil(length / 8) * 8;
    this.at = isSmall ? this.at + 8 : start + padded;
    return { type, body: this.bytes.subarray(start, start + length) };
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Shape {
  rows: number;
  columns: number;
  isComplex: boolean;
}

/** Bytes of the elements of flags and of two dimensions, tags included. */
const SHAPE_BYTES = 32;
/** The same for the largest number of dimensions that is read. */
const MAX_SHAPE_BYTES = 24 + 64 * 4;

/** @param reader at the start of a matrix. @returns undefined where it is no matrix of numbers in two dimensions. */
function readShape(reader: ElementReader, littleEndian: boolean, file: string): Shape | undefined {
  const flags = reader.next().body;
  if (flags.length < 8) throw damaged(file, '8 bytes of flags', `${flags.length}`);
  const word = viewOf(flags).getUint32(0, littleEndian);
  if (!isNumeric(word & 0xff)) return undefined;
  const dimensions = reader.next().body;
  if (dimensions.length !== 8) return undefined;
  const view = viewOf(dimensions);
  const [rows, columns] = [view.getInt32(0, littleEndian), view.getInt32(4, littleEndian)];
  if (rows < 0 || columns < 0) throw damaged(file, 'dimensions of 0 or more', `${rows} × ${columns}`);
  if (rows * columns > MAX_SAMPLES) {
    throw new FormatError({
      ...{ action: 'read the MAT-file', file },
      ...{ expected: `at most ${MAX_SAMPLES} samples`, found: `a matrix of ${rows} × ${columns}` },
      remedy: 'Cut the matrix into patches first.',
    });
  }
  return { rows, columns, isComplex: (word & COMPLEX_FLAG) !== 0 };
}

interface NamedMatrix {
  name: string;
  /** Undefined for complex numbers. */
  content: Mat5Matrix | undefined;
}

/** @param bytes of a matrix, without its tag. @returns undefined for a matrix that is skipped. */
function readMatrix(bytes: Uint8Array, littleEndian: boolean, file: string): NamedMatrix | undefined {
  if (bytes.length === 0) return undefined; // an empty matrix may be no more than its tag
  const reader = new ElementReader(bytes, littleEndian, file);
  const shape = readShape(reader, littleEndian, file);
  if (!shape) return undefined;
  const { rows, columns } = shape;
  const name = new TextDecoder().decode(reader.next().body);
  if (name === '') return undefined; // data of MATLAB itself
  if (shape.isComplex) return { name, content: undefined };
  const { type, body } = reader.next();
  const storage = STORAGE.get(type);
  if (!storage) throw damaged(file, `numbers in "${name}"`, `an element of type ${type}`);
  const needed = rows * columns * storage.bytes;
  if (body.length !== needed) {
    throw damaged(file, `${needed} bytes in "${name}" of ${rows} × ${columns}`, `${body.length}`);
  }
  return { name, content: { rows, columns, data: readByRow(body, shape, storage, littleEndian) } };
}

function readByRow(
  body: Uint8Array,
  { rows, columns }: Shape,
  storage: StorageType,
  littleEndian: boolean,
): Float64Array {
  const data = new Float64Array(rows * columns);
  const view = viewOf(body);
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [i % rows, Math.floor(i / rows)];
    data[row * columns + column] = storage.read(view, i * storage.bytes, littleEndian);
  }
  return data;
}

/**
 * @param compressed zlib stream of one matrix with its tag. @returns undefined for a matrix that is skipped after its
 * header.
 */
function readCompressed(compressed: Uint8Array, littleEndian: boolean, file: string) {
  const inflation = new Inflation(compressed, file);
  const head = inflation.upTo(8 + MAX_SHAPE_BYTES);
  if (head.length < 8) throw damaged(file, 'a compressed element with a tag', `${head.length} bytes`);
  const view = viewOf(head);
  if (view.getUint32(0, littleEndian) !== MATRIX) return undefined;
  const length = view.getUint32(4, littleEndian);
  if (length === 0) return undefined;
  const shape = readShape(new ElementReader(head.subarray(8, 8 + length), littleEndian, file), littleEndian, file);
  if (!shape) return undefined;
  // Flags and dimensions, the name and the samples with their tags, each padded.
  const most = SHAPE_BYTES + 16 + MAX_NAME + (shape.isComplex ? 2 : 1) * (16 + shape.rows * shape.columns * 8);
  const possible = compressed.length * MAX_INFLATION;
  if (length > most || length > possible) {
    const expected = `at most ${Math.min(most, possible)} bytes for ${shape.rows} × ${shape.columns} samples`;
    throw damaged(file, expected, `an element of ${length}`);
  }
  const bytes = inflation.all(8 + length);
  return readMatrix(bytes.subarray(8), littleEndian, file);
}

/** Inflates step by step, so that a header can be checked before the samples are inflated. */
class Inflation {
  private readonly compressed: Uint8Array;
  private readonly file: string;
  private readonly stream: Unzlib;
  private readonly parts: Uint8Array[] = [];
  private length = 0;
  /** Offset of the next compressed byte. */
  private at = 0;
  private isDone = false;

  constructor(compressed: Uint8Array, file: string) {
    this.compressed = compressed;
    this.file = file;
    this.stream = new Unzlib((part) => {
      this.parts.push(part);
      this.length += part.length;
    });
  }

  /** The first `length` bytes, or all where there are fewer. */
  upTo(length: number): Uint8Array {
    while (!this.isDone && this.length < length) this.step();
    return concatenateBytes(this.parts).subarray(0, length);
  }

  /** All of exactly `length` bytes. @throws FormatError where there are more or fewer, or their checksum differs. */
  all(length: number): Uint8Array {
    while (!this.isDone && this.length <= length) this.step();
    if (this.length !== length) {
      const found = this.isDone ? `${this.length}` : 'more';
      throw damaged(this.file, `${length} bytes in a compressed element`, found);
    }
    const bytes = concatenateBytes(this.parts);
    const stated = viewOf(this.compressed).getUint32(this.compressed.length - 4); // big-endian in any file
    if (adler32(bytes) !== stated) throw damaged(this.file, 'a checksum that agrees', 'one that does not');
    return bytes;
  }

  private step(): void {
    const end = Math.min(this.at + INFLATE_STEP, this.compressed.length);
    this.isDone = end === this.compressed.length;
    try {
      this.stream.push(this.compressed.subarray(this.at, end), this.isDone);
    } catch (cause) {
      throw damaged(this.file, 'a zlib stream', 'one that cannot be inflated', cause);
    }
    this.at = end;
  }
}
