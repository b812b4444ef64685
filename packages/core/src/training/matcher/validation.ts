/**
 * Measures the matcher on the validation split while it trains: true pairs and as many shuffled negatives, drawn once,
 * so that all epochs are measured on the same pairs. Generated and mined negatives never come in.
 */

import { Rng } from '../../base/random.ts';
import type { PairRecord } from '../../dataset/dataset.ts';
import type { PairReference } from '../../dataset/patch_pair.ts';
import type { PlaceGuard } from '../../dataset/place_guard.ts';
import { SplitError } from '../../errors.ts';
import { calibrate } from '../../evaluation/fit_calibration.ts';
import { accuracyOf, confusionAt, rocAuc } from '../../evaluation/metrics.ts';
import { drawTestPairs } from '../../evaluation/test_pairs.ts';
import type { Calibration } from '../../matcher/calibration.ts';
import type { Matcher } from '../../matcher/matcher.ts';
import { type ScoreOptions, scorePairs } from '../../matcher/score_pairs.ts';
import { createScorer } from '../../matcher/scorer.ts';
import type { PatchShape, PatchSource } from '../../prepare/patch_source.ts';
import { StopAgreed } from '../../processes/agreement.ts';
import { ALONE, type Communicator, ownOf } from '../../processes/communicator.ts';
import { bytesOf, floatsOf } from '../../processes/gather_rows.ts';

export interface ValidationTask {
  records: readonly PairRecord[];
  /** Records of the validation split. */
  indices: readonly number[];
  guard: PlaceGuard;
  /** Maximum number of true pairs. */
  positives: number;
  seed: number;
}

/** @throws SplitError where the split has no positive pair, or no negative can be drawn. */
export function drawValidationPairs({ records, indices, guard, positives, seed }: ValidationTask): PairReference[] {
  const rng = Rng.derive(seed, 'validation split');
  const chosen = rng.shuffle([...indices]).slice(0, positives);
  const { pairs } = drawTestPairs(
    records,
    chosen.sort((a, b) => a - b),
    guard,
    { seed, negativesPerPositive: 1 },
  );
  if (!pairs.some(({ label }) => label === 0)) throw noNegatives(indices.length);
  return pairs;
}

function noNegatives(pairs: number): SplitError {
  return new SplitError({
    action: 'validate while training',
    expected: 'pairs in the validation split that show different ground, for negatives are made of them',
    found: `${pairs} pair(s) that may all show the same place`,
    remedy: 'Split the data set again with a larger share for validation: `doppel data split`.',
  });
}

export interface ValidationResult {
  /** Mean cross-entropy of the uncalibrated scores (temperature 1), in nats. */
  loss: number;
  auc: number;
  /** Accuracy at the threshold of the calibration, in [0, 1]. */
  accuracy: number;
  /** Temperature and threshold fitted on these scores. */
  calibration: Calibration;
  /** Largest minus smallest score. */
  spread: number;
}

export interface ValidationInputs {
  matcher: Matcher;
  pairs: readonly PairReference[];
  patches: PatchSource;
  shape: PatchShape;
  /** Processes that score a share of the pairs each; default: this one alone. */
  communicator?: Communicator | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number) => void) | undefined;
}

const BATCH = 64;

/**
 * @throws SplitError where a class is missing. @throws NonFiniteError where a score is not finite.
 * @throws the signal's reason when it is aborted, and StopAgreed when that of another process is.
 */
export async function validate({ matcher, pairs, ...inputs }: ValidationInputs): Promise<ValidationResult> {
  const scorer = createScorer(matcher);
  try {
    const scores = await scoreInShares(pairs, { scorer, batch: BATCH, ...inputs });
    const labels = pairs.map(({ label }) => label);
    const calibration = calibrate(scores, labels);
    const threshold = logit(calibration.threshold) * calibration.temperature;
    return {
      loss: meanCrossEntropy(scores, labels),
      auc: rocAuc(scores, labels),
      accuracy: accuracyOf(confusionAt(scores, labels, threshold)),
      calibration,
      spread: Math.max(...scores) - Math.min(...scores),
    };
  } finally {
    scorer.dispose();
  }
}

/** Scores of all pairs, of which each process computes every `size`-th. */
async function scoreInShares(
  pairs: readonly PairReference[],
  { communicator = ALONE, ...options }: ScoreOptions & Pick<ValidationInputs, 'communicator'>,
): Promise<Float64Array> {
  if (communicator.size === 1) return scorePairs(pairs, options);
  const { signal } = options;
  // A process that is asked to stop still answers the others, with nothing.
  const own = await scorePairs(ownOf(pairs, communicator), options).catch((error: unknown) => {
    if (signal?.aborted && error === signal.reason) return new Float64Array();
    throw error;
  });
  const parts = communicator.allGather(bytesOf(Float32Array.from(own))).map(floatsOf);
  if (parts.some(({ length }, rank) => length < ownOf(pairs, { ...communicator, rank }).length)) throw new StopAgreed();
  return Float64Array.from(pairs, (_, i) => parts[i % communicator.size]![Math.floor(i / communicator.size)]!);
}

const logit = (probability: number) => Math.log(probability / (1 - probability));

/** −log of the probability given to the true class, in nats: log(1 + e^−z) with z the score towards the truth. */
function meanCrossEntropy(scores: Float64Array, labels: readonly (0 | 1)[]): number {
  let sum = 0;
  labels.forEach((label, i) => {
    const z = label === 1 ? scores[i]! : -scores[i]!;
    sum += Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z))); // no overflow
  });
  return sum / labels.length;
}
