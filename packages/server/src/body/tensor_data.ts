/** Tensors of the Open Inference Protocol as samples: raw little-endian bytes, or numbers of a JSON document. */
import { getFloat16 } from '@petamoriken/float16';
import { explain, type ProblemError, problemError } from '../problem.ts';

/** Type of a tensor that is understood. */
interface Datatype {
  bytes: number;
  /** Values of the raw bytes; `raw` has a buffer of its own. */
  decode(raw: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
  /** Largest whole number, for types of whole numbers. */
  largest?: number;
  isBinaryOnly?: boolean;
}

export const DATATYPES: Readonly<Record<string, Datatype>> = {
  FP32: { bytes: 4, decode: ({ buffer }) => new Float32Array(buffer) },
  FP16: { bytes: 2, decode: halves, isBinaryOnly: true },
  UINT8: { bytes: 1, decode: (raw) => new Float32Array(raw), largest: 255 },
  UINT16: { bytes: 2, decode: ({ buffer }) => new Float32Array(new Uint16Array(buffer)), largest: 65_535 },
};

function halves({ buffer, length }: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const view = new DataView(buffer);
  return Float32Array.from({ length: length / 2 }, (_, i) => getFloat16(view, 2 * i, true));
}

/** @throws ProblemError (400) for a type that is not understood. */
export function datatypeOf(name: string, tensor: string): Datatype {
  if (Object.hasOwn(DATATYPES, name)) return DATATYPES[name]!;
  throw wrongTensor(tensor, `a datatype of ${Object.keys(DATATYPES).join(', ')}`, name.slice(0, 20));
}

/** Number of elements of a shape. @throws ProblemError (400) unless its dimensions are whole numbers from 1 on. */
export function elementsOf(shape: readonly number[], tensor: string): number {
  const count = shape.reduce((product, length) => product * length, 1);
  if (shape.every((length) => Number.isSafeInteger(length) && length >= 1) && count <= 2 ** 31) return count;
  throw wrongTensor(tensor, 'a shape of whole numbers from 1 on', `[${shape.slice(0, 8).join(', ')}]`);
}

/**
 * Values of a JSON list, flat or nested as deep as the shape. null is a missing sample of FP32.
 *
 * @throws ProblemError (400) if they are not `count` numbers of the type.
 */
export function jsonValues(given: unknown, count: number, datatype: string, rank: number, tensor: string) {
  const { largest, isBinaryOnly } = datatypeOf(datatype, tensor);
  if (isBinaryOnly) throw wrongTensor(tensor, `${datatype} as binary data`, 'data in JSON');
  if (!Array.isArray(given)) throw wrongTensor(tensor, 'data, a list of numbers', describe(given));
  const values = new Float32Array(count);
  let at = 0;
  const fill = (list: readonly unknown[], depth: number): void => {
    for (const value of list) {
      if (Array.isArray(value) && depth < rank) {
        fill(value, depth + 1);
        continue;
      }
      if (at === count) throw wrongTensor(tensor, `${count} values for its shape`, 'more');
      values[at++] = numberOf(value, largest, tensor);
    }
  };
  fill(given, 1);
  if (at === count) return values;
  throw wrongTensor(tensor, `${count} values for its shape`, `${at}`);
}

function numberOf(value: unknown, largest: number | undefined, tensor: string): number {
  if (largest === undefined) {
    if (typeof value === 'number') return value;
    if (value === null) return Number.NaN;
    throw wrongTensor(tensor, 'numbers and nulls', describe(value));
  }
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= largest) return value as number;
  throw wrongTensor(tensor, `whole numbers from 0 to ${largest}`, describe(value));
}

export const wrongTensor = (tensor: string, expected: string, found: string): ProblemError =>
  problemError('malformed-request', explain(`read the tensor "${tensor.slice(0, 40)}"`, expected, found));

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value).slice(0, 40);
}
