/**
 * The matcher's scores of made patches: each beside the optical patch of a record. To the scoring of pairs they look like
 * further records behind those of the data set, so that streams and batches are shared with real ones.
 */
import type { PatchSource } from '../prepare/patch_source.ts';
import { type BlockTask, scoreReferences } from './blocks/block_scores.ts';
import { refuseNonFinite } from './blocks/scored_blocks.ts';

export interface MadeForScoring {
  /** Record of the optical patch. */
  optical: number;
  patch: Float32Array;
}

/** logit₁ − logit₀ of each. @throws NonFiniteError where a score is not finite. */
export async function scoreMade(made: readonly MadeForScoring[], task: BlockTask): Promise<Float64Array> {
  const patches: PatchSource = {
    sar: (index) => made[index]!.patch,
    optical: (index) => task.patches.optical(index),
  };
  const references = made.map(({ optical }, i) => ({ sar: i, optical }));
  const scores = await scoreReferences(references, { ...task, patches });
  refuseNonFinite(scores);
  return scores;
}
