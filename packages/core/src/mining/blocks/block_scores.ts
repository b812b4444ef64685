/**
 * Scores every anchor of a block with every candidate of its pool. The block's scores are the only matrix in memory;
 * candidates go by in chunks.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import { UsageError } from '../../errors.ts';
import { architecturesWith } from '../../matcher/architectures.ts';
import { scorePairs } from '../../matcher/score_pairs.ts';
import type { MatchScorer, ScorerHalves } from '../../matcher/scorer.ts';
import type { MiningBlock } from '../plan.ts';
import type { ScoreKind } from '../strategy.ts';
import { type FeatureTask, PatchFeatures } from './patch_features.ts';
import type { BlockScores } from './score_cache.ts';

/** What mining needs of a `MatchScorer`. */
export type MiningScorer = Pick<MatchScorer, 'score' | 'halves'>;

export interface BlockTask extends FeatureTask {
  scorer: MiningScorer;
  /** Pairs scored since the last call. */
  onPairs?: ((pairs: number) => void) | undefined;
}

/** @throws the signal's reason when it is aborted. @throws PatchError where a patch cannot be used. */
export type BlockScorer = (block: MiningBlock) => Promise<BlockScores>;

/** Candidates at a time. */
const CHUNK = 256;
/** For SAR features that come up again in later blocks. */
const KEEP_BYTES = 256 * 2 ** 20;

/** @throws UsageError where the matcher has no features to compare patches by. */
export function blockScorer(kind: ScoreKind, task: BlockTask): BlockScorer {
  const { halves } = task.scorer;
  if (kind === 'match') return halves ? joinedScores(halves, task) : wholeScores(task);
  if (halves) return likenesses(halves, task);
  throw new UsageError({
    action: 'mine by the strategy nearest',
    expected: 'a model with a stream for each sensor, whose features tell how alike two SAR patches are',
    found: 'one that takes both patches at once',
    remedy: `Take --strategy loss, or a model of the architecture ${architecturesWith('towers').join(' or ')}.`,
  });
}

/** The matcher's scores, logit₁ − logit₀, each patch through its stream once. */
function joinedScores(halves: ScorerHalves, task: BlockTask): BlockScorer {
  const sarHalves = new PatchFeatures(halves.sar, 'sar', task, KEEP_BYTES);
  const opticalHalves = new PatchFeatures(halves.optical, 'optical', task, 0); // each is needed in one block only
  return async ({ anchors, pool }) => {
    const optical = await opticalHalves.of<tf.Rank.R4>(anchors); // [anchors, h, w, c]
    try {
      const scores = new Float32Array(anchors.length * pool.length);
      await forChunks(pool, sarHalves, task, async (chunk: tf.Tensor4D, start) => {
        for (let row = 0; row < anchors.length; row++) {
          if (row % 16 === 0) await pause(task.signal);
          // [1, h, w, c]: the fusion adds the halves, so one optical half meets the whole chunk.
          const joined = await download(() => halves.join(chunk, rowsOf(optical, row, 1)));
          scores.set(joined, row * pool.length + start);
          task.onPairs?.(joined.length);
        }
      });
      const positives = new Float32Array(anchors.length);
      await forChunks(anchors, sarHalves, task, async (chunk: tf.Tensor4D, start) => {
        positives.set(await download(() => halves.join(chunk, rowsOf(optical, start, chunk.shape[0]))), start);
        task.onPairs?.(chunk.shape[0]);
      });
      return { scores, positives };
    } finally {
      optical.dispose();
    }
  };
}

/** Without streams of their own each pair goes through the whole matcher. */
function wholeScores(task: BlockTask): BlockScorer {
  return async ({ anchors, pool }) => {
    const references = [
      ...anchors.map((anchor) => ({ sar: anchor, optical: anchor })),
      ...anchors.flatMap((anchor) => pool.map((candidate) => ({ sar: candidate, optical: anchor }))),
    ];
    const all = Float32Array.from(await scoreReferences(references, task));
    return { positives: all.slice(0, anchors.length), scores: all.slice(anchors.length) };
  };
}

/** The matcher's scores of a list of pairs, logit₁ − logit₀. */
export function scoreReferences(
  references: readonly { sar: number; optical: number }[],
  { scorer, patches, shape, signal, onPairs }: BlockTask,
): Promise<Float64Array> {
  let before = 0;
  const onProgress = (done: number) => {
    onPairs?.(done - before);
    before = done;
  };
  return scorePairs(references, { scorer, patches, shape, batch: 64, signal, onProgress });
}

/** Cosines between the features of SAR patches: in [−1, 1], and 1 for the anchor's own patch, its positive. */
function likenesses(halves: ScorerHalves, task: BlockTask): BlockScorer {
  const unitFeatures = new PatchFeatures((x) => unitRows(halves.features(x, 'sar')), 'sar', task, KEEP_BYTES);
  return async ({ anchors, pool }) => {
    const own = await unitFeatures.of<tf.Rank.R2>(anchors); // [anchors, length]
    try {
      const scores = new Float32Array(anchors.length * pool.length);
      await forChunks(pool, unitFeatures, task, async (chunk: tf.Tensor2D, start) => {
        const width = chunk.shape[0];
        const cosines = await download(() => tf.clipByValue(tf.matMul(own, chunk, false, true), -1, 1)); // [anchors, C]
        for (let row = 0; row < anchors.length; row++) {
          scores.set(cosines.subarray(row * width, (row + 1) * width), row * pool.length + start);
        }
        task.onPairs?.(cosines.length);
      });
      return { scores, positives: new Float32Array(anchors.length).fill(1) };
    } finally {
      own.dispose();
    }
  };
}

/** x / ‖x‖ for each row; zero rows stay zero, alike to nothing. */
function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.maximum(tf.norm(x, 'euclidean', 1, true), 1e-12));
}

async function forChunks<T extends tf.Tensor>(
  records: readonly number[],
  features: PatchFeatures,
  { signal }: BlockTask,
  work: (chunk: T, start: number) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < records.length; start += CHUNK) {
    await pause(signal);
    const chunk = (await features.of(records.slice(start, start + CHUNK))) as T;
    try {
      await work(chunk, start);
    } finally {
      chunk.dispose();
    }
  }
}

const rowsOf = (x: tf.Tensor4D, start: number, count: number): tf.Tensor4D =>
  tf.slice(x, [start, 0, 0, 0], [count, -1, -1, -1]);

async function download(compute: () => tf.Tensor): Promise<Float32Array> {
  const result = tf.tidy(compute);
  try {
    return await result.data<'float32'>();
  } finally {
    result.dispose();
  }
}
