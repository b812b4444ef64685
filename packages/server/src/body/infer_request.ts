/**
 * A request for inference in the Open Inference Protocol v2: JSON, or JSON followed by the raw tensors (the binary tensor
 * data extension). Both kinds may be mixed; raw bytes lie in the order of the inputs that are binary.
 */
import { UNITS, type Unit } from '@doppel/core/raster';
import { z } from '@hono/zod-openapi';
import { explain, type ProblemError, problemError } from '../problem.ts';
import { foundBySchema } from '../schema_error.ts';
import { readJson } from './read_json.ts';
import { datatypeOf, elementsOf, jsonValues, wrongTensor } from './tensor_data.ts';

export interface Tensor {
  name: string;
  shape: readonly number[];
  data: Float32Array<ArrayBuffer>;
  /** Unit of SAR samples. Default: the unit that the model was trained on. */
  unit?: Unit | undefined;
}

export interface WantedOutput {
  name: string;
  isBinary: boolean;
}

export interface InferRequest {
  id?: string | undefined;
  inputs: ReadonlyMap<string, Tensor>;
  /** Outputs in the order of the answer; undefined: all, as `isBinary` says. */
  outputs?: readonly WantedOutput[] | undefined;
  isBinary: boolean;
}

/** Body of a request and its header `Inference-Header-Content-Length`: the length of the JSON before raw tensors. */
export interface InferBody {
  bytes: Uint8Array;
  headerLength: string | null;
}

/** Reads a body. @throws ProblemError (400) if it cannot be understood. */
export type ReadTensors = (body: InferBody) => Promise<InferRequest>;

/** Largest number of inputs or outputs of a request; no model has as many. */
const MOST_TENSORS = 16;

const parameters = z.record(z.string(), z.unknown()).optional();

export const inferRequestSchema = z
  .looseObject({
    id: z.string().optional().openapi({ description: 'Comes back with the answer' }),
    parameters: parameters.openapi({ description: 'binary_data_output: whether outputs come back as raw bytes' }),
    inputs: z
      .array(
        z.looseObject({
          name: z.string(),
          datatype: z.string().openapi({ description: 'FP32, UINT8, UINT16, or FP16 as binary data' }),
          shape: z.array(z.number()).max(MOST_TENSORS),
          parameters: parameters.openapi({
            description: 'binary_data_size: bytes of the raw tensor; unit: unit of SAR samples',
          }),
          data: z.unknown().optional().openapi({ description: 'Numbers, flat or nested, row by row' }),
        }),
      )
      .min(1)
      .max(MOST_TENSORS),
    outputs: z
      .array(z.looseObject({ name: z.string(), parameters }))
      .max(MOST_TENSORS)
      .optional(),
  })
  .openapi('InferRequest');
type Header = z.infer<typeof inferRequestSchema>;
type Input = Header['inputs'][number];

/** Reads in the caller's thread. */
export const readTensors: ReadTensors = async ({ bytes, headerLength }) => {
  const length = headerLength === null ? bytes.length : lengthOf(headerLength, bytes.length);
  const header = parse(bytes.subarray(0, length));
  const raw = new RawTensors(bytes.subarray(length));
  const inputs = new Map<string, Tensor>();
  for (const input of header.inputs) {
    if (inputs.has(input.name)) throw wrongTensor(input.name, 'each input once', 'it twice');
    inputs.set(input.name, tensorOf(input, raw, length));
  }
  raw.requireEnd();
  const isBinary = flag(header.parameters, 'binary_data_output', false);
  const outputs = header.outputs?.map((output) => ({
    name: output.name,
    isBinary: flag(output.parameters, 'binary_data', isBinary),
  }));
  return { id: header.id, inputs, isBinary, ...(outputs && outputs.length > 0 && { outputs: unique(outputs) }) };
};

function lengthOf(text: string, available: number): number {
  const length = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (length <= available) return length;
  const expected = `a length of the JSON within the ${available} bytes of the body`;
  throw malformed('read Inference-Header-Content-Length', expected, `"${text.slice(0, 20)}"`);
}

function parse(bytes: Uint8Array): Header {
  const parsed = inferRequestSchema.safeParse(readJson(bytes, 'read the request'));
  if (parsed.success) return parsed.data;
  throw malformed('read the request', 'an inference request', foundBySchema(parsed.error));
}

/** The part of a body behind its JSON, read from front to back. */
class RawTensors {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next bytes, as a copy. */
  take(size: number, tensor: string): Uint8Array<ArrayBuffer> {
    const left = this.#bytes.length - this.#at;
    if (size > left) throw wrongTensor(tensor, `${size} bytes behind the JSON`, `${left}`);
    const copy = new Uint8Array(size);
    copy.set(this.#bytes.subarray(this.#at, this.#at + size));
    this.#at += size;
    return copy;
  }

  requireEnd(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw malformed('read the request', 'a body that ends with its last tensor', `${left} bytes more`);
  }
}

/** @param jsonBytes length of the JSON, which has more bytes than values. */
function tensorOf(
  { name, datatype, shape, parameters: given = {}, data }: Input,
  raw: RawTensors,
  jsonBytes: number,
): Tensor {
  const count = elementsOf(shape, name);
  const { bytes, decode } = datatypeOf(datatype, name);
  const { binary_data_size: size, unit } = given;
  if (unit !== undefined && !(UNITS as readonly unknown[]).includes(unit)) {
    throw wrongTensor(name, `a unit of ${UNITS.join(', ')}`, `${JSON.stringify(unit)?.slice(0, 40)}`);
  }
  const common = { name, shape, unit: unit as Unit | undefined };
  if (size === undefined) {
    if (count > jsonBytes) throw wrongTensor(name, `${count} values for its shape`, `${jsonBytes} bytes of JSON`);
    return { ...common, data: jsonValues(data, count, datatype, shape.length, name) };
  }
  if (data !== undefined) throw wrongTensor(name, 'data or binary_data_size', 'both');
  if (size !== count * bytes) {
    throw wrongTensor(name, `binary_data_size ${count * bytes} for its shape`, `${JSON.stringify(size)}`.slice(0, 40));
  }
  return { ...common, data: decode(raw.take(size, name)) };
}

function flag(given: Record<string, unknown> | undefined, name: string, fallback: boolean): boolean {
  const value = given?.[name] ?? fallback;
  if (typeof value === 'boolean') return value;
  throw malformed(`read the parameter ${name}`, 'true or false', `${JSON.stringify(value)}`.slice(0, 40));
}

function unique(outputs: readonly WantedOutput[]): readonly WantedOutput[] {
  const twice = outputs.find(({ name }, i) => outputs.findIndex((other) => other.name === name) < i);
  if (!twice) return outputs;
  throw malformed('read the outputs', 'each output once', `"${twice.name.slice(0, 40)}" twice`);
}

const malformed = (action: string, expected: string, found: string): ProblemError =>
  problemError('malformed-request', explain(action, expected, found));
