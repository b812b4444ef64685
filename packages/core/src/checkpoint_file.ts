/**
 * What all checkpoints have in common as files: safetensors with JSON in the metadata, held against what they say they are.
 */
import { z } from 'zod';
import { CheckpointError, reasonOf } from './errors.ts';
import { readSafetensors, type TensorData } from './safetensors.ts';

/** A tensor outside of tfjs: shape and row-major float32 values. */
export interface Values {
  shape: number[];
  data: Float32Array;
}

export interface CheckpointKind<Metadata> {
  /** Value of `doppel` in the metadata. */
  format: string;
  formatVersion: number;
  schema: z.ZodType<Metadata>;
  /** For messages: "a checkpoint of doppel". */
  name: string;
  /** Where a file is of another kind. */
  remedy: string;
}

/** Takes tensors by name and shape, and knows which were left. */
export interface TensorTaker {
  /** @throws CheckpointError where it is missing, of another shape or type, or not finite. */
  (name: string, shape: number[]): Values;
  /** @throws CheckpointError where tensors were not taken. */
  refuseRest(): void;
}

const DAMAGED = 'The file is cut short or damaged: copy it again, or train again.';

/** @throws CheckpointError where the file is cut short, of another kind or version, or its metadata is not valid. */
export function openCheckpointFile<Metadata>(
  bytes: Uint8Array,
  file: string,
  kind: CheckpointKind<Metadata>,
): { metadata: Metadata; take: TensorTaker } {
  const { tensors, metadata } = parseFile(bytes, file);
  return { metadata: parseMetadata(metadata, file, kind), take: tensorTaker(tensors, file) };
}

/** Values as safetensors keeps them. */
export const metadataTexts = (metadata: object): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)]));

function parseFile(bytes: Uint8Array, file: string) {
  try {
    return readSafetensors(bytes, file);
  } catch (cause) {
    const { expected, found } = cause as CheckpointError;
    const facts = { ...(expected && { expected }), found: found ?? reasonOf(cause) };
    throw new CheckpointError({ action: 'read the checkpoint', file, ...facts, remedy: DAMAGED, cause });
  }
}

function parseMetadata<Metadata>(
  texts: Record<string, string>,
  file: string,
  kind: CheckpointKind<Metadata>,
): Metadata {
  const action = 'read the checkpoint';
  const raw: Record<string, unknown> = {};
  try {
    for (const [key, text] of Object.entries(texts)) raw[key] = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError({ action, file, expected: 'JSON as metadata', found: reasonOf(cause), remedy: DAMAGED });
  }
  const { name, remedy, format, formatVersion, schema } = kind;
  if (raw.doppel !== format) {
    const found = typeof raw.doppel === 'string' ? `another file of doppel ("${raw.doppel}")` : 'other tensors';
    throw new CheckpointError({ action, file, expected: name, found, remedy });
  }
  if (raw.formatVersion !== formatVersion) {
    throw new CheckpointError({
      action,
      file,
      expected: `format version ${formatVersion}`,
      found: `version ${raw.formatVersion}, written by doppel ${raw.version}`,
      remedy: 'Use a doppel of that version.',
    });
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const found = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new CheckpointError({ action, file, expected: 'valid metadata', found, remedy: DAMAGED, cause: parsed.error });
}

function tensorTaker(tensors: Map<string, TensorData>, file: string): TensorTaker {
  const fail = (expected: string, found: string): never => {
    const remedy = 'The file is of another architecture than it says: train again, or name another checkpoint.';
    throw new CheckpointError({ action: 'read the checkpoint', file, expected, found, remedy });
  };
  const left = new Set(tensors.keys());
  const take = (name: string, shape: number[]): Values => {
    const tensor = tensors.get(name);
    if (!tensor) return fail(`a tensor "${name}" [${shape}]`, 'none of that name');
    if (tensor.dtype !== 'F32') fail(`"${name}" in F32`, tensor.dtype);
    if (tensor.shape.join() !== shape.join()) fail(`"${name}" [${shape}]`, `[${tensor.shape}]`);
    const data = tensor.data as Float32Array;
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) fail(`finite numbers in "${name}"`, `${data[bad]} at element ${bad}`);
    left.delete(name);
    return { shape, data };
  };
  const refuseRest = () => {
    if (left.size > 0) fail('no tensors beyond those of its preset', [...left].slice(0, 3).join(', '));
  };
  return Object.assign(take, { refuseRest });
}
