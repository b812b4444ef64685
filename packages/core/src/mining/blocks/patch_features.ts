/**
 * What a stream of the matcher makes of a patch, computed once for each patch as far as the memory goes. A patch costs a
 * hundred times what joining a pair of halves does, and mining meets the same SAR patches block after block.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import type { PatchShape, PatchSource } from '../../prepare/patch_source.ts';

export interface FeatureTask {
  patches: PatchSource;
  shape: PatchShape;
  signal?: AbortSignal | undefined;
}

type Modality = 'sar' | 'optical';
type Stream = (patches: tf.Tensor4D) => tf.Tensor;

/** Patches that go through a stream at a time. */
const BATCH = 64;

export class PatchFeatures {
  private readonly stream: Stream;
  private readonly modality: Modality;
  private readonly task: FeatureTask;
  private readonly kept = new Map<number, Float32Array>();
  private room: number;
  /** Of one patch. */
  private shape: readonly number[] = [];

  /** @param keepBytes features are kept up to so many bytes, and computed again beyond. */
  constructor(stream: Stream, modality: Modality, task: FeatureTask, keepBytes: number) {
    this.stream = stream;
    this.modality = modality;
    this.task = task;
    this.room = keepBytes;
  }

  /**
   * The features of some records' patches, one row each: [records, …]. The caller disposes of the tensor.
   *
   * @throws PatchError where a patch cannot be used. @throws the signal's reason when it is aborted.
   */
  async of<R extends tf.Rank>(records: readonly number[]): Promise<tf.Tensor<R>> {
    const found = new Map<number, Float32Array>();
    const missing: number[] = [];
    for (const record of new Set(records)) {
      const kept = this.kept.get(record);
      if (kept) found.set(record, kept);
      else missing.push(record);
    }
    for (let start = 0; start < missing.length; start += BATCH) {
      this.task.signal?.throwIfAborted();
      const batch = missing.slice(start, start + BATCH);
      const rows = await this.compute(batch);
      batch.forEach((record, i) => {
        found.set(record, rows[i]!);
        this.keep(record, rows[i]!);
      });
    }
    const rows = records.map((record) => found.get(record)!);
    return tf.tensor(concatenate(rows), [records.length, ...this.shape] as tf.ShapeMap[R]);
  }

  /** Nothing ever leaves: pools are drawn at random, so no patch is likelier to come again than another. */
  private keep(record: number, features: Float32Array): void {
    if (features.byteLength > this.room) return;
    this.room -= features.byteLength;
    this.kept.set(record, features);
  }

  private async compute(records: readonly number[]): Promise<Float32Array[]> {
    const { patches, shape, signal } = this.task;
    const prepared = await Promise.all(records.map((record) => patches[this.modality](record)));
    const channels = this.modality === 'sar' ? shape.sarBands : shape.opticalBands;
    const features = tf.tidy(() =>
      this.stream(tf.tensor4d(concatenate(prepared), [records.length, shape.side, shape.side, channels])),
    );
    try {
      this.shape = features.shape.slice(1);
      const data = await features.data<'float32'>();
      await pause(signal);
      const length = data.length / records.length;
      return records.map((_, i) => data.slice(i * length, (i + 1) * length));
    } finally {
      features.dispose();
    }
  }
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(length * parts.length);
  parts.forEach((part, i) => {
    all.set(part, i * length);
  });
  return all;
}
