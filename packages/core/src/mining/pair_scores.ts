/** Scores of lists of pairs by the matcher that mines, logit₁ − logit₀ each, and their probabilities. */
import { NonFiniteError } from '../errors.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import { scorePairs } from '../matcher/score_pairs.ts';
import type { PatchShape, PatchSource } from '../prepare/patch_source.ts';
import type { Bench, MiningModel, Watch } from './strategy.ts';

/** Part of a bench that scoring needs. */
export type ScoringBench = Pick<Bench, 'patches'> & { model: { scorer: MiningModel['scorer']; info: PatchShape } };
export type ScoringWatch = Pick<Watch, 'signal'> & {
  /** Called with the number of pairs scored since the last call. */
  onPairs?: ((pairs: number) => void) | undefined;
};

/** @throws NonFiniteError if a score is not finite. @throws the signal's reason when it is aborted. */
export async function scoreReferences(
  references: readonly { sar: number; optical: number }[],
  { model: { scorer, info: shape }, patches }: ScoringBench,
  { signal, onPairs }: ScoringWatch = {},
): Promise<Float64Array> {
  let before = 0;
  const onProgress = (done: number) => {
    onPairs?.(done - before);
    before = done;
  };
  const scores = await scorePairs(references, { scorer, patches, shape, batch: 64, signal, onProgress });
  refuseNonFinite(scores);
  return scores;
}

/** Scores of made patches, each with the optical patch of a record. Errors as `scoreReferences`. */
export function scoreMade(
  made: readonly { optical: number; patch: Float32Array }[],
  bench: ScoringBench,
  watch: ScoringWatch = {},
): Promise<Float64Array> {
  const patches: PatchSource = {
    sar: (index) => made[index]!.patch,
    optical: (index) => bench.patches.optical(index),
  };
  const references = made.map(({ optical }, i) => ({ sar: i, optical }));
  return scoreReferences(references, { ...bench, patches }, watch);
}

/** Probabilities that the true pairs of records are matches. */
export async function truePairs(records: readonly number[], bench: Bench, watch: ScoringWatch): Promise<number[]> {
  const scores = await scoreReferences(
    records.map((record) => ({ sar: record, optical: record })),
    bench,
    watch,
  );
  return Array.from(scores, (score) => probabilityOf(score, bench.model.info.calibration));
}

/** @throws NonFiniteError if the model gives no usable scores. */
export function refuseNonFinite(scores: Float32Array | Float64Array): void {
  const found = scores.find((score: number) => !Number.isFinite(score));
  if (found === undefined) return;
  throw new NonFiniteError({
    action: 'mine by the scores of this model',
    expected: 'finite scores',
    found: `${found}`,
    remedy: 'Train it again, or use an earlier checkpoint.',
  });
}
