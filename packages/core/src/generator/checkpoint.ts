/**
 * A generator's checkpoint holds all that making patches needs and all that is worth knowing of how it came to be: the
 * tensors of encoder, decoder, critic and the averaged decoder, how far they are grown, how patches are prepared, what was
 * learnt and from which places. The `last` checkpoint of a run also holds the optimiser's moments and where the run stands,
 * so that it goes on bit for bit.
 *
 * The file is safetensors: tensors under the names of `parameterSpecs`, moments under `adam.first.NAME` and
 * `adam.second.NAME`, the rest as JSON in the metadata. Nothing in it depends on the time or the machine.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import {
  type CheckpointKind,
  metadataTexts,
  openCheckpointFile,
  type TensorTaker,
  type Values,
} from '../checkpoint_file.ts';
import type { TrainedOn } from '../evaluation/held_out.ts';
import {
  type Generator,
  type GeneratorConfig,
  type GeneratorParameterSpec,
  generatorConfigSchema,
  generatorFrom,
  parameterSpecs,
} from '../generator.ts';
import { type Normalisation, normalisationSchema } from '../patches/normalisation.ts';
import { type TensorData, writeSafetensors } from '../safetensors.ts';
import type { Store } from '../store.ts';
import { VERSION } from '../version.ts';
import { GENERATOR_PRESET_NAMES } from './config.ts';
import { type GeneratorRunState, generatorRunStateSchema } from './run_state.ts';
import { OBJECTIVES, type Objective } from './step.ts';

export interface GeneratorCheckpoint {
  networks: GeneratorConfig;
  preset: (typeof GENERATOR_PRESET_NAMES)[number];
  objective: Objective;
  /** Stage of growth, and how far its level is faded in. */
  growth: { stage: number; alpha: number };
  /** By the names of `parameterSpecs`. */
  tensors: ReadonlyMap<string, Values>;
  normalisation: Normalisation;
  /** Of the last finished stage. */
  metrics: Record<string, number>;
  trainedOn: TrainedOn & { folder: string };
  /** The backend that trained it. */
  backend: string;
  /** The resolved configuration of the run. */
  training: Record<string, unknown>;
  /** Version of doppel that wrote it. */
  version: string;
  /** Where the run stands, in `last` only. */
  resume?:
    | { state: GeneratorRunState; first: ReadonlyMap<string, Values>; second: ReadonlyMap<string, Values> }
    | undefined;
}

/** A checkpoint that a run can go on from. */
export type LastGeneratorCheckpoint = GeneratorCheckpoint & { resume: NonNullable<GeneratorCheckpoint['resume']> };

const FORMAT = 'generator';
const FORMAT_VERSION = 1;

const places = z.array(z.string());
const metadataSchema = z.object({
  doppel: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  version: z.string(),
  networks: generatorConfigSchema,
  preset: z.enum(GENERATOR_PRESET_NAMES),
  objective: z.enum(OBJECTIVES),
  growth: z.object({ stage: z.int().nonnegative(), alpha: z.number().gt(0).max(1) }),
  normalisation: normalisationSchema,
  metrics: z.record(z.string(), z.number()),
  trainedOn: z.object({
    folder: z.string(),
    dataFingerprint: z.string(),
    places: z.object({ train: places, validation: places }).optional(),
  }),
  backend: z.string(),
  training: z.record(z.string(), z.unknown()),
  state: generatorRunStateSchema.optional(),
});

const KIND: CheckpointKind<z.infer<typeof metadataSchema>> = {
  format: FORMAT,
  formatVersion: FORMAT_VERSION,
  schema: metadataSchema,
  name: "a generator's checkpoint",
  remedy: 'Name one that `doppel generator train` wrote, such as RUN/checkpoints/last.safetensors.',
};

/** The averaged decoder is no parameter of the optimiser. */
const isTrained = ({ network }: GeneratorParameterSpec): boolean => network !== 'average';

/** The bytes of a checkpoint's file. */
export function writeGenerator(checkpoint: Omit<GeneratorCheckpoint, 'version'>): Uint8Array {
  const { tensors: own, resume, ...facts } = checkpoint;
  const specs = parameterSpecs(checkpoint.networks);
  const tensors = new Map<string, TensorData>();
  const add = (prefix: string, some: readonly GeneratorParameterSpec[], group: ReadonlyMap<string, Values>) => {
    for (const { name, shape } of some) {
      const data = (group.get(name) as Values).data as Float32Array<ArrayBuffer>;
      tensors.set(prefix + name, { dtype: 'F32', shape, data });
    }
  };
  add('', specs, own);
  if (resume) {
    add('adam.first.', specs.filter(isTrained), resume.first);
    add('adam.second.', specs.filter(isTrained), resume.second);
  }
  const metadata = {
    ...{ doppel: FORMAT, formatVersion: FORMAT_VERSION, version: VERSION },
    ...facts,
    ...(resume && { state: resume.state }),
  };
  return writeSafetensors(tensors, metadataTexts(metadata));
}

/**
 * Reads a checkpoint and holds it against the networks that it names.
 *
 * @param file for messages.
 * @throws CheckpointError where the file is cut short or no generator's, where a tensor is missing, unknown, of another
 * shape or not finite.
 */
export function readGenerator(bytes: Uint8Array, file: string): GeneratorCheckpoint {
  const { metadata, take } = openCheckpointFile(bytes, file, KIND);
  const { state, formatVersion: _, doppel: __, ...facts } = metadata;
  const specs = parameterSpecs(facts.networks);
  const tensors = takeGroup(take, '', specs);
  const resume = state && {
    state,
    first: takeGroup(take, 'adam.first.', specs.filter(isTrained)),
    second: takeGroup(take, 'adam.second.', specs.filter(isTrained)),
  };
  take.refuseRest();
  return { ...facts, tensors, resume };
}

const takeGroup = (take: TensorTaker, prefix: string, specs: readonly GeneratorParameterSpec[]) =>
  new Map(specs.map(({ name, shape }) => [name, take(prefix + name, shape)]));

export async function saveGenerator(
  store: Store,
  path: string,
  checkpoint: Omit<GeneratorCheckpoint, 'version'>,
): Promise<void> {
  await store.write(path, writeGenerator(checkpoint));
}

/** @throws FileError where there is no file. @throws CheckpointError as `readGenerator`. */
export async function loadGenerator(store: Store, path: string): Promise<GeneratorCheckpoint> {
  return readGenerator(await store.read(path), path);
}

/** The networks of a checkpoint, on the current backend. */
export function generatorOf({ networks, tensors }: Pick<GeneratorCheckpoint, 'networks' | 'tensors'>): Generator {
  return generatorFrom(networks, ({ name, shape }) => tf.tensor((tensors.get(name) as Values).data, shape));
}
