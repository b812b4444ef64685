/** Fills the memory of a run at the start of an epoch, and keeps it in the run's folder. */
import type * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../base/random.ts';
import { readSafetensors, writeSafetensors } from '../../base/safetensors.ts';
import { createScorer } from '../../matcher/scorer.ts';
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
  async function fill(of: MemorySettings): Promise<void> {
    await store.write(file, packed(await filled(run, of, epoch)));
    if (memory) await store.remove(fileOf(given, memory.epoch));
  }
  if (state.underway.steps === 0) await onFirst(communicator, () => fill(settings), signal);
  return unpacked(await store.read(file), file, epoch);
}

const fileOf = ({ folder }: Given, epoch: number) => joinPath(folder.path, 'memory', `epoch-${epoch + 1}.safetensors`);

async function filled({ given, learner }: Run, { size }: MemorySettings, epoch: number): Promise<Memory> {
  const { config, patches, shape, task, pairs } = given;
  const { matcher } = learner;
  const records = Rng.derive(config.seed, 'memory of the epoch', epoch)
    .shuffle([...(task.unlabelled ?? pairs.anchors)])
    .slice(0, size)
    .sort((a, b) => a - b);
  const stream = (sar: tf.Tensor4D) => matcher.remember(sar, config.statistics === 'frozen');
  const maps = await disposing(createScorer(matcher), (scorer) => {
    const bench = { patches, model: { scorer, info: shape } };
    return new PatchFeatures(stream, 'sar', bench, { signal: task.signal, keepBytes: 0 }).of<tf.Rank.R4>(records);
  });
  const filled = { epoch, records, maps: await maps.data<'float32'>(), shape: maps.shape.slice(1) };
  maps.dispose();
  return filled;
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
