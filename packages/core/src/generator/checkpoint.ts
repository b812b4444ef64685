/**
 * Checkpoint of a generator: the tensors of encoder, decoder, critic and averaged decoder, their stage of growth, the
 * preparation of patches, the training objective and the places of training. The `last` checkpoint of a run also holds
 * the optimiser moments and the position of the run, so that it resumes bit for bit.
 *
 * The file is that of `checkpoint_file.ts`, tensors under the names of `parameterSpecs`. Nothing in it depends on the
 * time or the machine.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { CheckpointError, type UsageError } from '../errors.ts';
import {
  type CheckpointKind,
  type CommonFacts,
  type Last,
  metadataSchema,
  openCheckpointFile,
  packCheckpoint,
  type TensorGroups,
  type TensorSpecs,
} from '../runs/checkpoint_file.ts';
import type { Values } from '../runs/values.ts';
import type { Store } from '../store.ts';
import {
  type Generator,
  type Growth,
  NETWORKS,
  type Network,
  type NetworksConfig,
  TRAINED_NETWORKS,
} from './architecture.ts';
import { GENERATORS, generatorName } from './architectures.ts';
import { generatorFrom, parseNetworks } from './generator.ts';
import { type GeneratorRunState, generatorRunStateSchema } from './run_state.ts';

export interface GeneratorCheckpoint extends CommonFacts, TensorGroups<GeneratorRunState> {
  networks: NetworksConfig;
  /** Name of the architecture. */
  preset: string;
  objective: string;
  growth: Growth;
  /** Networks whose tensors the file has; absent: all of them. */
  holds?: Network[] | undefined;
}

/** Checkpoint from which a run can be resumed. */
export type LastGeneratorCheckpoint = Last<GeneratorCheckpoint>;

const FORMAT = 'generator';

const schema = metadataSchema(FORMAT, {
  networks: z.looseObject({ side: z.int() }),
  preset: generatorName,
  objective: z.string(),
  holds: z.array(z.enum(NETWORKS)).optional(),
  growth: z.object({ stage: z.int().nonnegative(), alpha: z.number().gt(0).max(1) }),
  state: generatorRunStateSchema.optional(),
});

const KIND: CheckpointKind<z.infer<typeof schema>> = {
  format: FORMAT,
  schema,
  name: "a generator's checkpoint",
  remedy: 'Name one that `doppel generator train` wrote, such as RUN/checkpoints/last.safetensors.',
};

const TRAINED: ReadonlySet<string> = new Set(TRAINED_NETWORKS);

/** Expected tensors; only trained networks have optimiser moments. */
function specsOf({
  preset,
  networks,
  holds = [...NETWORKS],
}: Pick<GeneratorCheckpoint, 'preset' | 'networks' | 'holds'>): TensorSpecs {
  const all = GENERATORS.get(preset)
    .parameters(networks)
    .filter(({ network }) => holds.includes(network));
  return { all, trained: all.filter(({ network }) => TRAINED.has(network)) };
}

/** The bytes of a checkpoint's file. */
export function writeGenerator(checkpoint: Omit<GeneratorCheckpoint, 'version'>): Uint8Array {
  const { tensors, resume, ...facts } = checkpoint;
  return packCheckpoint(FORMAT, facts, { tensors, resume }, specsOf(facts));
}

/**
 * Reads a checkpoint and checks it against the networks that it names.
 *
 * @param file for messages.
 * @throws CheckpointError where the file is cut short or no generator's, where a tensor is missing, unknown, of another
 * shape or not finite.
 */
export function readGenerator(bytes: Uint8Array, file: string): GeneratorCheckpoint {
  const { facts, groups } = openCheckpointFile(bytes, file, KIND);
  const networks = networksOf(facts, file);
  return { ...facts, networks, ...groups(specsOf({ ...facts, networks })) };
}

function networksOf({ preset, networks }: Pick<GeneratorCheckpoint, 'preset' | 'networks'>, file: string) {
  try {
    return parseNetworks(preset, networks);
  } catch (cause) {
    const { expected, found } = cause as UsageError;
    const remedy = 'The file is damaged, or of an architecture with other settings: copy it again, or train again.';
    throw new CheckpointError({
      ...{ action: 'read the checkpoint', file, remedy, cause },
      ...(expected && { expected }),
      ...(found && { found }),
    });
  }
}

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

/** Networks of a checkpoint, on the current backend. */
export function generatorOf({
  preset,
  networks,
  tensors,
}: Pick<GeneratorCheckpoint, 'preset' | 'networks' | 'tensors'>): Generator {
  return generatorFrom(preset, networks, ({ name, shape }) => tf.tensor((tensors.get(name) as Values).data, shape));
}
