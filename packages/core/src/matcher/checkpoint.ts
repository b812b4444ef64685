/**
 * A checkpoint holds all that scoring needs and all that is worth knowing of how it came to be: the matcher's tensors,
 * how patches are prepared for it, its calibration, its metrics, the data and places it saw, and the resolved
 * configuration. The `last` checkpoint of a run also holds the optimiser's moments and the position of the run, so that
 * it resumes bit for bit.
 *
 * The file is that of `checkpoint_file.ts`, tensors under the names of `parameterSpecs`. Nothing in it depends on the
 * time or the machine.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { CheckpointError } from '../errors.ts';
import {
  type CheckpointKind,
  type CommonFacts,
  metadataSchema,
  openCheckpointFile,
  packCheckpoint,
  type TensorGroups,
  type TensorSpecs,
} from '../runs/checkpoint_file.ts';
import type { Values } from '../runs/values.ts';
import type { Store } from '../store.ts';
import type { MatcherConfig } from './architecture.ts';
import { matcherConfigSchema } from './architectures.ts';
import { type Matcher, matcherFrom } from './matcher.ts';
import { parameterSpecs } from './network_layers.ts';
import { isStatistic } from './parameters.ts';
import { type RunState, runStateSchema } from './run_state.ts';

export interface Checkpoint extends CommonFacts, TensorGroups<RunState> {
  matcher: MatcherConfig;
  /** Fitted on the validation split; absent if the weights were saved between two validations. */
  calibration?: { temperature: number; threshold: number } | undefined;
  /** SHA-256 of the run's input files other than the data set; null where there was none. */
  inputs: {
    from: string | null;
    negatives: string | null;
    /** Shifts of the scenes, where the run trained on repaired alignment. */
    alignment?: string | undefined;
  };
}

const FORMAT = 'checkpoint';

const schema = metadataSchema(FORMAT, {
  matcher: matcherConfigSchema,
  calibration: z
    .object({ temperature: z.number().positive(), threshold: z.number().gt(0).lt(1) })
    .nullable()
    .transform((value) => value ?? undefined),
  inputs: z.object({
    from: z.string().nullable(),
    negatives: z.string().nullable(),
    alignment: z.string().optional(),
  }),
  state: runStateSchema.optional(),
});

const KIND: CheckpointKind<z.infer<typeof schema>> = {
  format: FORMAT,
  schema,
  name: 'a checkpoint of doppel',
  remedy: 'Name a checkpoint that `doppel train` wrote, such as RUN/checkpoints/best.safetensors.',
};

function specsOf(matcher: MatcherConfig): TensorSpecs {
  const all = parameterSpecs(matcher);
  return { all, trained: all.filter((spec) => !isStatistic(spec)) };
}

/** Bytes of a checkpoint's file. */
export function writeCheckpoint(checkpoint: Omit<Checkpoint, 'version'>): Uint8Array {
  const { tensors, resume, calibration = null, ...facts } = checkpoint;
  return packCheckpoint(FORMAT, { ...facts, calibration }, { tensors, resume }, specsOf(facts.matcher));
}

/**
 * Reads a checkpoint and holds it against the architecture that it names.
 *
 * @param file for messages.
 * @throws CheckpointError if the file is cut short or no checkpoint, or if a tensor is missing, unknown, of another shape or
 * not finite.
 */
export function readCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  const { facts, groups } = openCheckpointFile(bytes, file, KIND);
  return { ...facts, ...groups(specsOf(facts.matcher)) };
}

export async function saveCheckpoint(
  store: Store,
  path: string,
  checkpoint: Omit<Checkpoint, 'version'>,
): Promise<void> {
  await store.write(path, writeCheckpoint(checkpoint));
}

/** @throws FileError if there is no file. @throws CheckpointError as `readCheckpoint`. */
export async function loadCheckpoint(store: Store, path: string): Promise<Checkpoint> {
  return readCheckpoint(await store.read(path), path);
}

/** Puts the matcher of a checkpoint on the current backend. */
export function matcherOf({ matcher, tensors }: Checkpoint): Matcher {
  return matcherFrom(matcher, ({ name, shape }) => tf.tensor((tensors.get(name) as Values).data, shape));
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
