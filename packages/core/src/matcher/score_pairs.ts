/**
 * Scores many pairs, in batches. If a matcher has a stream for each sensor, each patch goes through its stream once and only
 * the joining is done for each pair: a search with 100 candidates then costs little more than its patches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../base/concatenate.ts';
import { pause } from '../base/pause.ts';
import type { PairReference } from '../dataset/patch_pair.ts';
import { type PatchShape, type PatchSource, readPatches, toTensor } from '../prepare/patch_source.ts';
import type { PairScorer } from './scorer.ts';

export interface ScoreOptions {
  scorer: PairScorer;
  patches: PatchSource;
  shape: PatchShape;
  /** Pairs that are scored together. */
  batch: number;
  signal?: AbortSignal | undefined;
  /** Pairs done so far. */
  onProgress?: ((done: number) => void) | undefined;
}

type Reference = Pick<PairReference, 'sar' | 'optical'>;

/** Room for SAR features; beyond it they are computed again. */
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
    const sar = await readPatches(
      patches,
      'sar',
      references.map((pair) => pair.sar),
    );
    const optical = await readPatches(
      patches,
      'optical',
      references.map((pair) => pair.optical),
    );
    return download(() => scorer.score(toTensor(sar, 'sar', shape), toTensor(optical, 'optical', shape)));
  };
}

function inHalves(halves: NonNullable<PairScorer['halves']>, { patches, shape }: ScoreOptions): ScoreBatch {
  const features = new FeatureStore();

  async function computeSar(indices: readonly number[]): Promise<void> {
    if (indices.length === 0) return;
    const sar = await readPatches(patches, 'sar', indices);
    const computed = tf.tidy(() => halves.sar(toTensor(sar, 'sar', shape)));
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
    const optical = await readPatches(patches, 'optical', opticals);
    return download(() => {
      const sarHalf = features.tensor(references.map((pair) => pair.sar)); // [N, h, w, c]
      const once = halves.optical(toTensor(optical, 'optical', shape));
      return halves.join(sarHalf, tf.gather(once, tf.tensor1d(rows, 'int32')));
    });
  };
}

/** SAR features by record; when the room is full, those computed first leave first. */
class FeatureStore {
  private readonly features = new Map<number, Float32Array>();
  /** [height, width, channels] of one patch's features. */
  private shape: [number, number, number] = [0, 0, 0];

  /** Makes room for the features that must be computed, and returns their indices, each once. */
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

async function download(compute: () => tf.Tensor1D): Promise<ArrayLike<number>> {
  const scores = tf.tidy(compute);
  try {
    return await scores.data();
  } finally {
    scores.dispose();
  }
}
