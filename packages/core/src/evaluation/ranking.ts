/**
 * Almost every metric of a matcher depends on the scores only through their order. So the scores are sorted once, and
 * what the metrics read are the counts of accepted positives and negatives at each distinct score. With a weight per
 * pair the same pass gives the metrics of a bootstrap resample, without sorting again.
 */
import { NonFiniteError, SplitError } from '../errors.ts';

export interface Ranking {
  /** Scores in the order given: [pairs]. */
  readonly scores: ArrayLike<number>;
  /** 1: the same place; 0: not. [pairs] */
  readonly labels: ArrayLike<number>;
  /** Indices of the pairs from the highest score to the lowest. [pairs] */
  readonly order: Uint32Array;
  /** End in `order` of each run of equal scores, so that ties are always accepted together. [runs] */
  readonly ends: Uint32Array;
}

/**
 * Accepted pairs as the threshold falls from above the highest score to the lowest: after run r, all pairs whose
 * score is at least that of run r. The last entries are the totals.
 */
export interface Sweep {
  /** Accepted positives (or their weight). [runs] */
  readonly truePositives: Float64Array;
  /** Accepted negatives (or their weight). [runs] */
  readonly falsePositives: Float64Array;
}

/**
 * Sorts the scores and finds their ties.
 *
 * @throws NonFiniteError where a score is NaN or infinite. @throws SplitError where there are no pairs, the lengths
 * differ or a label is neither 0 nor 1.
 */
export function rank(scores: ArrayLike<number>, labels: ArrayLike<number>): Ranking {
  check(scores, labels);
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i);
  order.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const ends: number[] = [];
  for (let position = 1; position <= order.length; position++) {
    const isLast = position === order.length;
    if (isLast || scores[order[position]!] !== scores[order[position - 1]!]) ends.push(position);
  }
  return { scores, labels, order, ends: Uint32Array.from(ends) };
}

/**
 * Counts what is accepted at each distinct score.
 *
 * @param weights how often each pair counts [pairs]; absent: once. @param into arrays to fill again instead of new
 * ones.
 */
export function sweep(ranking: Ranking, weights?: ArrayLike<number>, into: Sweep = emptySweep(ranking)): Sweep {
  const { order, ends, labels } = ranking;
  let [truePositives, falsePositives, position] = [0, 0, 0];
  for (let run = 0; run < ends.length; run++) {
    for (const end = ends[run]!; position < end; position++) {
      const pair = order[position]!;
      const weight = weights === undefined ? 1 : weights[pair]!;
      if (labels[pair] === 1) truePositives += weight;
      else falsePositives += weight;
    }
    into.truePositives[run] = truePositives;
    into.falsePositives[run] = falsePositives;
  }
  return into;
}

export function emptySweep(ranking: Ranking): Sweep {
  const runs = ranking.ends.length;
  return { truePositives: new Float64Array(runs), falsePositives: new Float64Array(runs) };
}

/** The score of a run, which is the threshold that accepts it and all runs before it. */
export function scoreOfRun(ranking: Ranking, run: number): number {
  return ranking.scores[ranking.order[ranking.ends[run]! - 1]!]!;
}

/**
 * How many runs a threshold accepts: those whose score is at least the threshold.
 *
 * @param values what the threshold is compared with [pairs]: the scores, or probabilities that rise with them.
 */
export function runsAccepted(
  { scores, order, ends }: Ranking,
  threshold: number,
  values: ArrayLike<number> = scores,
): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[order[ends[middle]! - 1]!]! >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

function check(scores: ArrayLike<number>, labels: ArrayLike<number>): void {
  const action = 'rank the scores of pairs';
  if (scores.length === 0) throw new SplitError({ action, expected: 'at least one pair', found: 'none' });
  if (scores.length !== labels.length) {
    throw new SplitError({ action, expected: `${scores.length} labels`, found: `${labels.length}` });
  }
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) {
      const remedy = 'The model has diverged or the pair holds no usable pixels: look at the training log.';
      throw new NonFiniteError({ action, expected: 'finite scores', found: `${scores[i]} for pair ${i}`, remedy });
    }
    if (labels[i] !== 0 && labels[i] !== 1) {
      throw new SplitError({ action, expected: 'labels 0 or 1', found: `${labels[i]} for pair ${i}` });
    }
  }
}
