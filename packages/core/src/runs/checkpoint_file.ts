/**
 * The file format of all checkpoints: safetensors with JSON in the metadata, checked against what the metadata declare.
 * Tensors stand under their own names, the optimiser's moments under `adam.first.NAME` and `adam.second.NAME`.
 */
import { z } from 'zod';
import { readSafetensors, type TensorData, writeSafetensors } from '../base/safetensors.ts';
import { CheckpointError, reasonOf } from '../errors.ts';
import { type Normalisation, normalisationSchema } from '../prepare/normalisation.ts';
import { VERSION } from '../version.ts';
import type { TrainedOn } from './held_out.ts';
import type { MomentValues } from './moments.ts';
import type { Values } from './values.ts';

/** Facts that every checkpoint holds. */
export interface CommonFacts {
  /** Version of doppel that wrote it. */
  version: string;
  /** Preparation of patches. */
  normalisation: Normalisation;
  /** Metrics at the time when the weights were saved. */
  metrics: Record<string, number>;
  trainedOn: TrainedOn & { folder: string };
  /** Name of the backend of the training. */
  backend: string;
  /** Resolved configuration of the run. */
  training: Record<string, unknown>;
}

/** Tensors of a checkpoint, by name; in `last` also the optimiser's moments and the state of the run. */
export interface TensorGroups<State> {
  tensors: ReadonlyMap<string, Values>;
  resume?: Resume<State> | undefined;
}

/** Content of `last` in addition to the weights: optimiser moments and the state of the run. */
export interface Resume<State> extends MomentValues {
  state: State;
}

/** Checkpoint from which a run can be resumed. */
export type Last<C extends { resume?: unknown }> = C & { resume: NonNullable<C['resume']> };

const FORMAT_VERSION = 1;

const places = z.array(z.string());

/** @returns schema of the metadata: the common fields and those of a kind of checkpoint. */
export function metadataSchema<Own extends z.ZodRawShape>(format: string, own: Own) {
  return z.object({
    doppel: z.literal(format),
    formatVersion: z.literal(FORMAT_VERSION),
    version: z.string(),
    normalisation: normalisationSchema,
    metrics: z.record(z.string(), z.number()),
    trainedOn: z.object({
      folder: z.string(),
      dataFingerprint: z.string(),
      places: z.object({ train: places, validation: places }).optional(),
    }),
    backend: z.string(),
    training: z.record(z.string(), z.unknown()),
    ...own,
  });
}

/** Metadata of every kind, beside the facts. */
interface Stored {
  doppel: string;
  formatVersion: number;
  /** State of the run; only in `last`. */
  state?: object | undefined;
}

export interface CheckpointKind<Metadata extends Stored> {
  /** Value of `doppel` in the metadata. */
  format: string;
  schema: z.ZodType<Metadata>;
  /** Name of the kind, for messages: "a checkpoint of doppel". */
  name: string;
  /** Remedy where a file is of another kind. */
  remedy: string;
}

/** Takes tensors by name and shape; `refuseRest` refuses those not taken. */
interface TensorTaker {
  /** @throws CheckpointError if it is missing, of another shape or type, or not finite. */
  (name: string, shape: number[]): Values;
  /** @throws CheckpointError if tensors were not taken. */
  refuseRest(): void;
}

const DAMAGED = 'The file is cut short or damaged: copy it again, or train again.';

/**
 * Opens a checkpoint's file: its facts, and its tensors once the facts have said which ones it must hold.
 *
 * @throws CheckpointError if the file is cut short, of another kind or version, or its metadata is invalid.
 */
export function openCheckpointFile<Metadata extends Stored>(
  bytes: Uint8Array,
  file: string,
  kind: CheckpointKind<Metadata>,
) {
  const { tensors, metadata } = parseFile(bytes, file);
  const { state, formatVersion: _, doppel: __, ...facts } = parseMetadata(metadata, file, kind);
  const take = tensorTaker(tensors, file);
  return {
    facts,
    /** @throws CheckpointError where one is missing, of another shape or type, not finite, or of an unknown name. */
    groups({ all, trained }: TensorSpecs): TensorGroups<NonNullable<Metadata['state']>> {
      const group = (prefix: string, specs: TensorSpecs['all']) =>
        new Map(specs.map(({ name, shape }) => [name, take(prefix + name, shape)]));
      const weights = group('', all);
      const resume = state && { state, first: group('adam.first.', trained), second: group('adam.second.', trained) };
      take.refuseRest();
      return { tensors: weights, resume };
    },
  };
}

/** Tensors that a checkpoint must hold, and those of them that the optimiser moves. */
export interface TensorSpecs {
  all: readonly { name: string; shape: number[] }[];
  trained: readonly { name: string; shape: number[] }[];
}

/**
 * Writes a checkpoint into the bytes of a file.
 *
 * @param facts common ones and those of the kind; the version is that of this program.
 */
export function packCheckpoint<State>(
  format: string,
  facts: Omit<CommonFacts, 'version'> & Record<string, unknown>,
  { tensors, resume }: TensorGroups<State>,
  { all, trained }: TensorSpecs,
): Uint8Array {
  const packed = new Map<string, TensorData>();
  const add = (prefix: string, specs: TensorSpecs['all'], group: ReadonlyMap<string, Values>) => {
    for (const { name, shape } of specs) {
      const data = (group.get(name) as Values).data as Float32Array<ArrayBuffer>;
      packed.set(prefix + name, { dtype: 'F32', shape, data });
    }
  };
  add('', all, tensors);
  if (resume) {
    add('adam.first.', trained, resume.first);
    add('adam.second.', trained, resume.second);
  }
  const metadata = {
    ...{ doppel: format, formatVersion: FORMAT_VERSION, version: VERSION },
    ...facts,
    ...(resume && { state: resume.state }),
  };
  return writeSafetensors(packed, metadataTexts(metadata));
}

/** Texts as safetensors keeps them, in the order of names: the same content gives the same bytes. */
const metadataTexts = (metadata: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, JSON.stringify(value)]),
  );

function parseFile(bytes: Uint8Array, file: string) {
  try {
    return readSafetensors(bytes, file);
  } catch (cause) {
    const { expected, found } = cause as CheckpointError;
    const facts = { ...(expected && { expected }), found: found ?? reasonOf(cause) };
    throw new CheckpointError({ action: 'read the checkpoint', file, ...facts, remedy: DAMAGED, cause });
  }
}

function parseMetadata<Metadata extends Stored>(
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
  const { name, remedy, format, schema } = kind;
  if (raw.doppel !== format) {
    const found = typeof raw.doppel === 'string' ? `another file of doppel ("${raw.doppel}")` : 'other tensors';
    throw new CheckpointError({ action, file, expected: name, found, remedy });
  }
  if (raw.formatVersion !== FORMAT_VERSION) {
    throw new CheckpointError({
      action,
      file,
      expected: `format version ${FORMAT_VERSION}`,
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
