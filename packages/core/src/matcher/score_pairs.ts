/**
 * Scores many pairs, in batches. Where a matcher has two streams that meet late, each patch goes through its stream once
 * and only the joining is done for each pair: a search with 100 candidates then costs little more than its patches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import type { PairReference } from '../dataset/patch_pair.ts';
import type { PatchShape, PatchSource } from '../prepare/patch_source.ts';
import type { PairScorer } from './scorer.ts';

export interface ScoreOptions {
  scorer: PairScorer;
  patches: PatchSource;
  shape: PatchShape;
  /** Pairs at a time. */
  batch: number;
  signal?: AbortSignal | undefined;
  /** Pairs done so far. */
  onProgress?: ((done: number) => void) | undefined;
}

type Reference = Pick<PairReference, 'sar' | 'optical'>;

/** SAR features are kept up to so many bytes and computed again beyond. */
const FEATURE_BYTES = 256 * 2 ** 20;

/** Scores in the order of the references. @throws the signal's reason when it is aborted, between two batches. */
export async function scorePairs(references: readonly Reference[], options: ScoreOptions): Promise<Float64Array> {
  const scoreBatch = options.scorer.halves ? inHalves(options.scorer.halves, options) : wholePairs(options);
  // By optical patch, so that each is needed in one batch, or two.
  const order = references.map((_, i) => i).sort((a, b) => references[a]!.optical - references[b]!.optical || a - b);
  const scores = new Float64Array(references.length);
  for (let start = 0; start < order.length; start += options.batch) {
    await pause(options.signal);
    const positions = order.slice(start, start + options.batch);
    const values = await scoreBatch(positions.map((position) => references[position]!));
    positions.forEach((position, i) => {
      scores[position] = values[i]!;
    });
    options.onProgress?.(start + positions.length);
  }
  return scores;
}

type ScoreBatch = (references: readonly Reference[]) => Promise<ArrayLike<number>>;

function wholePairs({ scorer, patches, shape }: ScoreOptions): ScoreBatch {
  return async (references) => {
    const sar = await stack(references.map((pair) => patches.sar(pair.sar)));
    const optical = await stack(references.map((pair) => patches.optical(pair.optical)));
    const { side, sarBands, opticalBands } = shape;
    return download(() =>
      scorer.score(
        tf.tensor4d(sar, [references.length, side, side, sarBands]),
        tf.tensor4d(optical, [references.length, side, side, opticalBands]),
      ),
    );
  };
}

function inHalves(halves: NonNullable<PairScorer['halves']>, { patches, shape }: ScoreOptions): ScoreBatch {
  const features = new FeatureStore();
  const { side, sarBands, opticalBands } = shape;

  async function computeSar(indices: readonly number[]): Promise<void> {
    if (indices.length === 0) return;
    const data = await stack(indices.map((index) => patches.sar(index)));
    const computed = tf.tidy(() => halves.sar(tf.tensor4d(data, [indices.length, side, side, sarBands])));
    try {
      features.add(indices, await computed.data<'float32'>(), computed.shape);
    } finally {
      computed.dispose();
    }
  }

  return async (references) => {
    await computeSar(features.missing(references.map((pair) => pair.sar)));
    const opticals = [...new Set(references.map((pair) => pair.optical))];
    const rows = references.map((pair) => opticals.indexOf(pair.optical));
    const optical = await stack(opticals.map((index) => patches.optical(index)));
    return download(() => {
      const sarHalf = features.tensor(references.map((pair) => pair.sar)); // [N, h, w, c]
      const once = halves.optical(tf.tensor4d(optical, [opticals.length, side, side, opticalBands]));
      return halves.join(sarHalf, tf.gather(once, tf.tensor1d(rows, 'int32')));
    });
  };
}

/** SAR features by record, the ones computed first leaving first when the room is full. */
class FeatureStore {
  private readonly features = new Map<number, Float32Array>();
  /** [height, width, channels] of one patch's features. */
  private shape: [number, number, number] = [0, 0, 0];

  /** Those of the indices that must be computed, each once; makes room for them. */
  missing(indices: readonly number[]): number[] {
    const wanted = new Set(indices);
    const missing = [...wanted].filter((index) => !this.features.has(index));
    const size = this.shape[0] * this.shape[1] * this.shape[2] * Float32Array.BYTES_PER_ELEMENT;
    const room = size === 0 ? Number.POSITIVE_INFINITY : Math.floor(FEATURE_BYTES / size);
    for (const index of this.features.keys()) {
      if (this.features.size + missing.length <= room) break;
      if (!wanted.has(index)) this.features.delete(index);
    }
    return missing;
  }

  add(indices: readonly number[], data: Float32Array, shape: readonly number[]): void {
    const length = data.length / indices.length;
    this.shape = [shape[1]!, shape[2]!, shape[3]!];
    indices.forEach((index, i) => {
      this.features.set(index, data.slice(i * length, (i + 1) * length));
    });
  }

  tensor(indices: readonly number[]): tf.Tensor4D {
    const data = concatenate(indices.map((index) => this.features.get(index)!));
    return tf.tensor4d(data, [indices.length, ...this.shape]);
  }
}

async function stack(patches: readonly (Float32Array | Promise<Float32Array>)[]): Promise<Float32Array> {
  return concatenate(await Promise.all(patches));
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(length * parts.length);
  parts.forEach((part, i) => {
    all.set(part, i * length);
  });
  return all;
}

async function download(compute: () => tf.Tensor1D): Promise<ArrayLike<number>> {
  const scores = tf.tidy(compute);
  try {
    return await scores.data();
  } finally {
    scores.dispose();
  }
}
