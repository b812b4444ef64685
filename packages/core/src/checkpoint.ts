/**
 * A checkpoint holds all that scoring needs and all that is worth knowing of how it came to be: the matcher's tensors, how
 * patches are prepared for it, its calibration, its metrics, the data and places it saw, and the resolved configuration. The
 * `last` checkpoint of a run also holds the optimiser's moments and where the run stands, so that it goes on bit for bit.
 *
 * The file is safetensors: tensors under the names of `parameterSpecs`, moments under `adam.first.NAME` and
 * `adam.second.NAME`, the rest as JSON in the metadata. Nothing in it depends on the time or the machine.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type CheckpointKind, metadataTexts, openCheckpointFile, type Values } from './checkpoint_file.ts';
import { CheckpointError } from './errors.ts';
import type { TrainedOn } from './evaluation/held_out.ts';
import { isStatistic, type ParameterSpec } from './matcher/parameters.ts';
import { type Matcher, type MatcherConfig, matcherConfigSchema, matcherFrom, parameterSpecs } from './matcher.ts';
import { type Normalisation, normalisationSchema } from './patches/normalisation.ts';
import { type TensorData, writeSafetensors } from './safetensors.ts';
import type { Store } from './store.ts';
import { type RunState, runStateSchema } from './training/run_state.ts';
import { VERSION } from './version.ts';

export type { Values } from './checkpoint_file.ts';

export interface Checkpoint {
  matcher: MatcherConfig;
  /** Parameters and moving statistics, by name. */
  tensors: ReadonlyMap<string, Values>;
  normalisation: Normalisation;
  /** Fitted on the validation split; absent where the weights were saved between two validations. */
  calibration?: { temperature: number; threshold: number } | undefined;
  /** Of the validation split when the weights were saved. */
  metrics: Record<string, number>;
  trainedOn: TrainedOn & { folder: string };
  /** What the run was given besides data: SHA-256 of the files, null where there was none. */
  inputs: { from: string | null; negatives: string | null };
  /** The backend that trained it. */
  backend: string;
  /** The resolved configuration of the run. */
  training: Record<string, unknown>;
  /** Version of doppel that wrote it. */
  version: string;
  /** Where the run stands, in `last` only. */
  resume?: { state: RunState; first: ReadonlyMap<string, Values>; second: ReadonlyMap<string, Values> } | undefined;
}

const FORMAT = 'checkpoint';
const FORMAT_VERSION = 1;

const places = z.array(z.string());
const metadataSchema = z.object({
  doppel: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  version: z.string(),
  matcher: matcherConfigSchema,
  normalisation: normalisationSchema,
  calibration: z
    .object({ temperature: z.number().positive(), threshold: z.number().gt(0).lt(1) })
    .nullable()
    .transform((value) => value ?? undefined),
  metrics: z.record(z.string(), z.number()),
  trainedOn: z.object({
    folder: z.string(),
    dataFingerprint: z.string(),
    places: z.object({ train: places, validation: places }).optional(),
  }),
  inputs: z.object({ from: z.string().nullable(), negatives: z.string().nullable() }),
  backend: z.string(),
  training: z.record(z.string(), z.unknown()),
  state: runStateSchema.optional(),
});

const KIND: CheckpointKind<z.infer<typeof metadataSchema>> = {
  format: FORMAT,
  formatVersion: FORMAT_VERSION,
  schema: metadataSchema,
  name: 'a checkpoint of doppel',
  remedy: 'Name a checkpoint that `doppel train` wrote, such as RUN/checkpoints/best.safetensors.',
};

/** The bytes of a checkpoint's file. */
export function writeCheckpoint(checkpoint: Omit<Checkpoint, 'version'>): Uint8Array {
  const {
    matcher,
    normalisation,
    calibration = null,
    metrics,
    trainedOn,
    inputs,
    backend,
    training,
    resume,
  } = checkpoint;
  const specs = parameterSpecs(matcher);
  const tensors = new Map<string, TensorData>();
  const add = (prefix: string, some: readonly ParameterSpec[], group: ReadonlyMap<string, Values>) => {
    for (const { name, shape } of some) {
      const data = (group.get(name) as Values).data as Float32Array<ArrayBuffer>;
      tensors.set(prefix + name, { dtype: 'F32', shape, data });
    }
  };
  add('', specs, checkpoint.tensors);
  if (resume) {
    const trained = specs.filter((spec) => !isStatistic(spec));
    add('adam.first.', trained, resume.first);
    add('adam.second.', trained, resume.second);
  }
  const metadata = {
    ...{ doppel: FORMAT, formatVersion: FORMAT_VERSION, version: VERSION },
    ...{ matcher, normalisation, calibration, metrics, trainedOn, inputs, backend, training },
    ...(resume && { state: resume.state }),
  };
  return writeSafetensors(tensors, metadataTexts(metadata));
}

/**
 * Reads a checkpoint and holds it against the architecture that it names.
 *
 * @param file for messages.
 * @throws CheckpointError where the file is cut short or no checkpoint, where a tensor is missing, unknown, of another
 * shape or not finite.
 */
export function readCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  const { metadata, take } = openCheckpointFile(bytes, file, KIND);
  const { state, formatVersion: _, doppel: __, ...rest } = metadata;
  const specs = parameterSpecs(rest.matcher);
  const group = (prefix: string, some: typeof specs) =>
    new Map(some.map(({ name, shape }) => [name, take(prefix + name, shape)]));
  const own = group('', specs);
  const trained = specs.filter((spec) => !isStatistic(spec));
  const resume = state && { state, first: group('adam.first.', trained), second: group('adam.second.', trained) };
  take.refuseRest();
  return { ...rest, tensors: own, resume };
}

export async function saveCheckpoint(
  store: Store,
  path: string,
  checkpoint: Omit<Checkpoint, 'version'>,
): Promise<void> {
  await store.write(path, writeCheckpoint(checkpoint));
}

/** @throws FileError where there is no file. @throws CheckpointError as `readCheckpoint`. */
export async function loadCheckpoint(store: Store, path: string): Promise<Checkpoint> {
  return readCheckpoint(await store.read(path), path);
}

/** The matcher of a checkpoint, on the current backend. */
export function matcherOf({ matcher, tensors }: Checkpoint): Matcher {
  return matcherFrom(matcher, ({ name, shape }) => tf.tensor((tensors.get(name) as Values).data, shape));
}

/** Copies tensors off the backend. */
export async function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Promise<Map<string, Values>> {
  const values = new Map<string, Values>();
  for (const [name, tensor] of tensors) {
    values.set(name, { shape: tensor.shape, data: (await tensor.data()) as Float32Array });
  }
  return values;
}

/**
 * @throws CheckpointError unless the checkpoint's matcher has all the given properties.
 * @param wantedBy what needs them, for the message: "the preset paper".
 */
export function requireMatcher({ matcher }: Checkpoint, wanted: Partial<MatcherConfig>, file: string): void {
  const keys = (Object.keys(wanted) as (keyof MatcherConfig)[]).filter((key) => wanted[key] !== undefined);
  if (keys.every((key) => matcher[key] === wanted[key])) return;
  const show = (config: Partial<MatcherConfig>) => keys.map((key) => `${key} ${config[key]}`).join(', ');
  throw new CheckpointError({
    action: 'use the checkpoint',
    file,
    expected: show(wanted),
    found: show(matcher),
    remedy: 'Name a checkpoint of that architecture, or change the configuration to match it.',
  });
}
