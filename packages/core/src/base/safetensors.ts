/**
 * safetensors: a JSON header (names, dtypes, shapes, offsets, text metadata) and the tensors' raw little-endian bytes.
 * https://github.com/huggingface/safetensors#format
 *
 * Small enough to own: the npm packages of that name are writers only or unmaintained. The reader checks
 * every entry of the header against the length of the file.
 */
import { z } from 'zod';
import { FormatError } from '../errors.ts';

const ARRAYS = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;
export type TensorArray = InstanceType<(typeof ARRAYS)[Dtype]>;

export interface TensorData {
  dtype: Dtype;
  shape: number[];
  data: TensorArray;
}

export interface Safetensors {
  tensors: Map<string, TensorData>;
  /** Free text by key; doppel keeps JSON in it. */
  metadata: Record<string, string>;
}

const entrySchema = z.object({
  dtype: z.enum(Object.keys(ARRAYS) as [Dtype, ...Dtype[]]),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const MAX_HEADER = 100_000_000;

/** Reads a whole file. Throws `FormatError` if it is truncated or its header is false. `file` is for the message. */
export function readSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const fail = (expected: string, found: string, cause?: unknown): never => {
    const remedy = 'The file is cut short or damaged: copy or make it again.';
    throw new FormatError({ action: 'read the safetensors file', file, expected, found, remedy, cause });
  };
  if (bytes.length < 8) fail('a header length of 8 bytes', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > Math.min(bytes.length - 8, MAX_HEADER)) {
    fail(`a header of ${headerLength} bytes`, `a file of ${bytes.length} bytes`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), fail);
  // Not bytes.subarray: the slice of a Node Buffer would share its memory.
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + 8 + headerLength, bytes.length - 8 - headerLength);

  const tensors = new Map<string, TensorData>();
  for (const [name, raw] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const entry = entrySchema.safeParse(raw);
    if (!entry.success) return fail(`dtype, shape and offsets of tensor "${name}"`, z.prettifyError(entry.error));
    const { dtype, shape, data_offsets } = entry.data;
    const [begin, end] = data_offsets;
    const count = shape.reduce((product, side) => product * side, 1);
    const needed = count * ARRAYS[dtype].BYTES_PER_ELEMENT;
    if (end - begin !== needed) fail(`${needed} bytes for "${name}" [${shape}] ${dtype}`, `${end - begin} bytes`);
    if (end > body.length) fail(`"${name}" to end at byte ${end} of the data`, `${body.length} bytes of data`);
    // A copy, since a typed array must start at a multiple of its element size.
    tensors.set(name, { dtype, shape, data: new ARRAYS[dtype](body.slice(begin, end).buffer, 0, count) });
  }
  const metadata = z.record(z.string(), z.string()).safeParse(header.__metadata__ ?? {});
  if (!metadata.success) return fail('text metadata', z.prettifyError(metadata.error));
  return { tensors, metadata: metadata.data };
}

type Fail = (expected: string, found: string, cause?: unknown) => never;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    return fail('a JSON header', 'something else', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    return fail('a JSON object as header', JSON.stringify(header)?.slice(0, 40) ?? 'nothing');
  }
  return header as Record<string, unknown>;
}

/** The bytes of a file, tensors in the map's order. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8; // padded with spaces, so that the data is aligned
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(text, 8);
  let at = 8 + headerLength;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
