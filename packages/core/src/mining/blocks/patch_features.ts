/**
 * Features of patches by one stream of the matcher, kept up to a number of bytes. A patch costs a hundred times as much
 * as joining a pair of halves, and mining meets the same SAR patches block after block.
 */

import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../../base/concatenate.ts';
import { pause } from '../../base/pause.ts';
import { type PatchShape, type PatchSource, readPatches, toTensor } from '../../prepare/patch_source.ts';

type Modality = 'sar' | 'optical';
/** Patches and their shape. */
type Source = { patches: PatchSource; model: { info: PatchShape } };
type Stream = (patches: tf.Tensor4D) => tf.Tensor;

/** Patches that go through a stream at a time. */
const BATCH = 64;

export class PatchFeatures {
  private readonly stream: Stream;
  private readonly modality: Modality;
  private readonly bench: Source;
  private readonly signal: AbortSignal | undefined;
  private readonly kept = new Map<number, Float32Array>();
  private room: number;
  /** Shape of one patch's features. */
  private shape: readonly number[] = [];

  /** @param keepBytes memory limit; features beyond it are computed again on each use. */
  constructor(
    stream: Stream,
    modality: Modality,
    bench: Source,
    { signal, keepBytes }: { signal: AbortSignal | undefined; keepBytes: number },
  ) {
    this.stream = stream;
    this.modality = modality;
    this.bench = bench;
    this.signal = signal;
    this.room = keepBytes;
  }

  /**
   * Features of records' patches, one row each: [records, …]. The caller disposes of the tensor.
   *
   * @throws PatchError if a patch cannot be used. @throws the signal's reason when it is aborted.
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
      this.signal?.throwIfAborted();
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

  /**
   * Keeps features while there is memory; none are evicted, as in random pools every patch is equally likely to recur.
   */
  private keep(record: number, features: Float32Array): void {
    if (features.byteLength > this.room) return;
    this.room -= features.byteLength;
    this.kept.set(record, features);
  }

  private async compute(records: readonly number[]): Promise<Float32Array[]> {
    const { patches, model } = this.bench;
    const prepared = await readPatches(patches, this.modality, records);
    const features = tf.tidy(() => this.stream(toTensor(prepared, this.modality, model.info)));
    try {
      this.shape = features.shape.slice(1);
      const data = await features.data<'float32'>();
      await pause(this.signal);
      const length = data.length / records.length;
      return records.map((_, i) => data.slice(i * length, (i + 1) * length));
    } finally {
      features.dispose();
    }
  }
}
