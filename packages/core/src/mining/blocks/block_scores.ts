/**
 * Scores every anchor of a block with every candidate of its pool. The block's scores are the only matrix in memory; candidates
 * are scored in chunks.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import { UsageError } from '../../errors.ts';
import { architecturesWith } from '../../matcher/architectures.ts';
import type { ScorerHalves } from '../../matcher/scorer.ts';
import { type ScoringBench, type ScoringWatch, scoreReferences } from '../pair_scores.ts';
import type { MiningBlock } from '../plan.ts';
import { PatchFeatures } from './patch_features.ts';
import type { BlockScores, ScoreKind } from './score_cache.ts';

/** @throws the signal's reason when it is aborted. @throws PatchError if a patch cannot be used. */
export type BlockScorer = (block: MiningBlock) => Promise<BlockScores>;

/** Candidates at a time. */
const CHUNK = 256;
/** Memory for SAR features, which later blocks need again. */
const KEEP_BYTES = 256 * 2 ** 20;

/** @throws UsageError if the matcher has no features to compare patches by. */
export function blockScorer(kind: ScoreKind, bench: ScoringBench, watch: ScoringWatch = {}): BlockScorer {
  const { halves } = bench.model.scorer;
  if (kind === 'match') return halves ? joinedScores(halves, bench, watch) : wholeScores(bench, watch);
  if (halves) return likenesses(halves, bench, watch);
  throw new UsageError({
    action: 'mine by the strategy nearest',
    expected: 'a model with a stream for each sensor, whose features are compared',
    found: 'one that takes both patches at once',
    remedy: `Use the strategy loss, or a model of the architecture ${architecturesWith('towers').join(' or ')}.`,
  });
}

/** The matcher's scores, logit₁ − logit₀, each patch through its stream once. */
function joinedScores(halves: ScorerHalves, bench: ScoringBench, { signal, onPairs }: ScoringWatch): BlockScorer {
  const sarHalves = new PatchFeatures(halves.sar, 'sar', bench, { signal, keepBytes: KEEP_BYTES });
  const opticalHalves = new PatchFeatures(halves.optical, 'optical', bench, { signal, keepBytes: 0 }); // each is needed in one block only
  return async ({ anchors, pool }) => {
    const optical = await opticalHalves.of<tf.Rank.R4>(anchors); // [anchors, h, w, c]
    try {
      const scores = new Float32Array(anchors.length * pool.length);
      await forChunks(pool, sarHalves, signal, async (chunk: tf.Tensor4D, start) => {
        for (let row = 0; row < anchors.length; row++) {
          if (row % 16 === 0) await pause(signal);
          // [1, h, w, c]: the fusion adds the halves, so one optical half meets the whole chunk.
          const joined = await download(() => halves.join(chunk, rowsOf(optical, row, 1)));
          scores.set(joined, row * pool.length + start);
          onPairs?.(joined.length);
        }
      });
      const positives = new Float32Array(anchors.length);
      await forChunks(anchors, sarHalves, signal, async (chunk: tf.Tensor4D, start) => {
        positives.set(await download(() => halves.join(chunk, rowsOf(optical, start, chunk.shape[0]))), start);
        onPairs?.(chunk.shape[0]);
      });
      return { scores, positives };
    } finally {
      optical.dispose();
    }
  };
}

/** Scores of a matcher without separate streams: each pair goes through all of it. */
function wholeScores(bench: ScoringBench, watch: ScoringWatch): BlockScorer {
  return async ({ anchors, pool }) => {
    const references = [
      ...anchors.map((anchor) => ({ sar: anchor, optical: anchor })),
      ...anchors.flatMap((anchor) => pool.map((candidate) => ({ sar: candidate, optical: anchor }))),
    ];
    const all = Float32Array.from(await scoreReferences(references, bench, watch));
    return { positives: all.slice(0, anchors.length), scores: all.slice(anchors.length) };
  };
}

/** Cosines between the features of SAR patches: in [−1, 1], and 1 for the anchor's own patch, its positive. */
function likenesses(halves: ScorerHalves, bench: ScoringBench, { signal, onPairs }: ScoringWatch): BlockScorer {
  const unitFeatures = new PatchFeatures((x) => unitRows(halves.features(x, 'sar')), 'sar', bench, {
    signal,
    keepBytes: KEEP_BYTES,
  });
  return async ({ anchors, pool }) => {
    const own = await unitFeatures.of<tf.Rank.R2>(anchors); // [anchors, length]
    try {
      const scores = new Float32Array(anchors.length * pool.length);
      await forChunks(pool, unitFeatures, signal, async (chunk: tf.Tensor2D, start) => {
        const width = chunk.shape[0];
        const cosines = await download(() => tf.clipByValue(tf.matMul(own, chunk, false, true), -1, 1)); // [anchors, C]
        for (let row = 0; row < anchors.length; row++) {
          scores.set(cosines.subarray(row * width, (row + 1) * width), row * pool.length + start);
        }
        onPairs?.(cosines.length);
      });
      return { scores, positives: new Float32Array(anchors.length).fill(1) };
    } finally {
      own.dispose();
    }
  };
}

/** x / ‖x‖ for each row; zero rows stay zero, with a cosine of 0 to all others. */
function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.maximum(tf.norm(x, 'euclidean', 1, true), 1e-12));
}

async function forChunks<T extends tf.Tensor>(
  records: readonly number[],
  features: PatchFeatures,
  signal: AbortSignal | undefined,
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
