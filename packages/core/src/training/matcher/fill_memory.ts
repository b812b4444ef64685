/** Fills the memory of a run at the start of an epoch, and keeps it in the run's folder. */
import type * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../base/random.ts';
import { readSafetensors, writeSafetensors } from '../../base/safetensors.ts';
import { PatchFeatures } from '../../mining/blocks/patch_features.ts';
import { onFirst } from '../../processes/agreement.ts';
import { ALONE } from '../../processes/communicator.ts';
import { disposing } from '../../runs/resumable_run.ts';
import { joinPath } from '../../store.ts';
import type { Given } from './given.ts';
import type { MemorySettings } from './hard_settings.ts';
import type { Memory } from './memory.ts';
import type { Run } from './run.ts';

/** Memory of the current epoch: filled at its first step, or read from the run's folder. */
export async function presentMemory(run: Run): Promise<Memory | undefined> {
  const { given, state, memory } = run;
  const settings = given.config.negatives.memory;
  if (!settings) return undefined;
  const { epoch } = state;
  if (memory?.epoch === epoch) return memory;
  const { store, communicator = ALONE, signal } = given.task;
  const file = fileOf(given, epoch);
  const fill = async () => store.write(file, packed(await filled(run, settings, epoch)));
  if (state.underway.steps === 0) await onFirst(communicator, fill, signal);
  return unpacked(await store.read(file), file, epoch);
}

/** Removes the memory of the epoch that is over and saved: the next one fills its own. */
export async function clearMemory({ given: { config, folder, task } }: Run): Promise<void> {
  if (config.negatives.memory) await task.store.remove(memoriesIn(folder.path));
}

const memoriesIn = (run: string) => joinPath(run, 'memory');

const fileOf = ({ folder }: Given, epoch: number) =>
  joinPath(memoriesIn(folder.path), `epoch-${epoch + 1}.safetensors`);

async function filled({ given, learner }: Run, { size }: MemorySettings, epoch: number): Promise<Memory> {
  const { config, patches, shape, task, pairs } = given;
  const { matcher } = learner;
  const records = Rng.derive(config.seed, 'memory of the epoch', epoch)
    .shuffle([...(task.unlabelled ?? pairs.anchors)])
    .slice(0, size)
    .sort((a, b) => a - b);
  const stream = (sar: tf.Tensor4D) => matcher.remember(sar, config.statistics === 'frozen');
  const bench = { patches, model: { info: shape } };
  const features = new PatchFeatures(stream, 'sar', bench, { signal: task.signal, keepBytes: 0 });
  const maps = await features.of<tf.Rank.R4>(records);
  return disposing(maps, async () => ({
    ...{ epoch, records, maps: await maps.data<'float32'>(), shape: maps.shape.slice(1) },
  }));
}

const packed = ({ records, maps, shape }: Memory): Uint8Array =>
  writeSafetensors(
    new Map([
      ['records', { dtype: 'I32', shape: [records.length], data: Int32Array.from(records) }],
      ['maps', { dtype: 'F32', shape: [records.length, ...shape], data: maps as Float32Array<ArrayBuffer> }],
    ]),
    { doppel: 'memory' },
  );

function unpacked(bytes: Uint8Array, file: string, epoch: number): Memory {
  const { tensors } = readSafetensors(bytes, file);
  const maps = tensors.get('maps')!;
  const records = [...(tensors.get('records')!.data as Int32Array)];
  return { epoch, records, maps: maps.data as Float32Array, shape: maps.shape.slice(1) };
}
