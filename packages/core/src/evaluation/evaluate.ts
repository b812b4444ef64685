/**
 * Evaluation: how well a matcher separates matching from non-matching pairs of one split, measured on pairs that are
 * the same for the same seed. `docs/evaluation.md` has the protocol and the definition of each metric; this file runs
 * it.
 */

import type { PairRecord } from '../dataset/dataset.ts';
import type { PairReference, Provenance, Split } from '../dataset/patch_pair.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';
import { type Calibration, probabilityOf } from '../matcher/calibration.ts';
import { scorePairs } from '../matcher/score_pairs.ts';
import type { PairScorer } from '../matcher/scorer.ts';
import type { PatchShape, PatchSource } from '../prepare/patch_source.ts';
import type { BootstrapOptions } from './bootstrap.ts';
import { calibrate, type ThresholdRule } from './fit_calibration.ts';
import type { Search } from './retrieval.ts';
import { type DrawnSearches, drawSearches } from './search_pairs.ts';
import { type Summary, summarise } from './summary.ts';
import { drawTestPairs } from './test_pairs.ts';

export interface ScoredPair {
  /** Id of the record; for a shuffled pair the ids of its SAR and its optical record, as `sar × optical`. */
  id: string;
  /** Place of the optical patch, the anchor. */
  group: string;
  label: 0 | 1;
  /** logit₁ − logit₀ */
  score: number;
  /** Calibrated probability of a match. */
  probability: number;
  sarIndex: number;
  opticalIndex: number;
  provenance: Provenance;
}

/** Pairs to score, and the scorer. */
export interface ScoringTask {
  records: readonly PairRecord[];
  /** Records of the split. */
  indices: readonly number[];
  /** Keeps overlapping and neighbouring patches from being negatives. */
  guard: PlaceGuard;
  scorer: PairScorer;
  patches: PatchSource;
  shape: PatchShape;
  /** Default 1. */
  seed?: number;
  /** Default 1. */
  negativesPerPositive?: number;
  /** Pairs at a time; default 64. */
  batch?: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface EvaluationTask extends ScoringTask {
  split: Split;
  calibration: Calibration;
  bootstrap?: BootstrapOptions;
  /** Search settings for recall@k; see `SEARCH_DEFAULTS`. */
  search?: { candidates?: number; anchors?: number };
}

export interface Evaluation {
  split: Split;
  seed: number;
  negativesPerPositive: number;
  calibration: Calibration;
  /** Scored pairs in the order of `drawTestPairs`. */
  pairs: ScoredPair[];
  /** Number of requested negatives that the guard made impossible. */
  shortage: number;
  summary: Summary;
  search: { anchors: number; candidates: number; leftOut: number };
}

export const EVALUATION_DEFAULTS = { seed: 1, negativesPerPositive: 1, batch: 64 } as const;

/** Defaults of searches; fewer anchors for a matcher without halves, as each candidate then costs a whole pass. */
export const SEARCH_DEFAULTS = { candidates: 100, anchors: { inHalves: 200, whole: 50 } } as const;

/**
 * Scores the split's positives and shuffled negatives, searches for recall@k, and measures them.
 *
 * @throws SplitError where the split has one class or a generated pair. @throws NonFiniteError where a score is not
 * finite. @throws PatchError where a patch cannot be used. @throws the signal's reason when aborted.
 */
export async function evaluatePairs(task: EvaluationTask): Promise<Evaluation> {
  const { seed, negativesPerPositive } = { ...EVALUATION_DEFAULTS, ...task };
  const { records, indices, guard, split, calibration } = task;
  const { pairs, shortage } = drawTestPairs(records, indices, guard, { seed, negativesPerPositive });
  const drawn = drawSearches(
    pairs.filter((pair) => pair.label === 1).map((pair) => pair.optical),
    guard,
    { ...searchSize(task), seed },
  );
  // Pairs and searches in one go: they share the features of their patches.
  const searched = searchReferences(drawn);
  const scores = await scoreAll([...pairs, ...searched], task);
  const scored = pairs.map((pair, i) => scoredPair(pair, scores[i]!, records, calibration));
  const searches = cutSearches(drawn, scores.subarray(pairs.length), records);
  const { candidates, leftOut } = drawn;
  return {
    split,
    seed,
    negativesPerPositive,
    calibration,
    pairs: scored,
    shortage,
    summary: summarise(scored, calibration, searches, { seed, ...task.bootstrap }),
    search: { anchors: searches.length, candidates, leftOut },
  };
}

/** Temperature and threshold from the pairs of a split, the validation split. Errors as `evaluatePairs`. */
export async function calibrateOn(task: ScoringTask, rule: ThresholdRule = 'logistic'): Promise<Calibration> {
  const { seed, negativesPerPositive } = { ...EVALUATION_DEFAULTS, ...task };
  const { pairs } = drawTestPairs(task.records, task.indices, task.guard, { seed, negativesPerPositive });
  const labels = pairs.map((pair) => pair.label);
  return calibrate(await scoreAll(pairs, task), labels, rule);
}

function scoreAll(references: readonly Pick<PairReference, 'sar' | 'optical'>[], task: ScoringTask) {
  const { onProgress } = task;
  return scorePairs(references, {
    scorer: task.scorer,
    patches: task.patches,
    shape: task.shape,
    batch: task.batch ?? EVALUATION_DEFAULTS.batch,
    signal: task.signal,
    onProgress: onProgress && ((done) => onProgress(done, references.length)),
  });
}

function searchSize({ search, scorer }: EvaluationTask): { candidates: number; anchors: number } {
  const { candidates, anchors } = SEARCH_DEFAULTS;
  return {
    candidates: search?.candidates ?? candidates,
    anchors: search?.anchors ?? (scorer.halves ? anchors.inHalves : anchors.whole),
  };
}

/** Lists the true pair of each search, then the others. */
function searchReferences({ searches }: DrawnSearches): Pick<PairReference, 'sar' | 'optical'>[] {
  return searches.flatMap(({ anchor, others }) => [anchor, ...others].map((sar) => ({ sar, optical: anchor })));
}

function cutSearches(
  { searches, candidates }: DrawnSearches,
  scores: Float64Array,
  records: readonly PairRecord[],
): Search[] {
  return searches.map(({ anchor }, i) => {
    const own = scores.subarray(i * candidates, (i + 1) * candidates);
    return { group: records[anchor]!.group, truth: own[0]!, others: own.subarray(1) };
  });
}

function scoredPair(
  { sar, optical, label, provenance }: PairReference,
  score: number,
  records: readonly PairRecord[],
  calibration: Calibration,
): ScoredPair {
  const [sarId, { id: opticalId, group }] = [records[sar]!.id, records[optical]!];
  return {
    id: sar === optical ? opticalId : `${sarId} × ${opticalId}`,
    group,
    label,
    score,
    probability: probabilityOf(score, calibration),
    sarIndex: sar,
    opticalIndex: optical,
    provenance,
  };
}
