/**
 * Operating points at low false alarm rates: recall at a fixed false positive rate. A rate can only be resolved by
 * enough negatives, so each point states the resolution of the sample.
 */
import { type Ranking, type Sweep, scoreOfRun } from './ranking.ts';

/** The rates of the threshold table. */
export const TARGET_FPRS = [0.001, 0.01, 0.05] as const;

export interface OperatingPoint {
  /** Largest false positive rate allowed, in [0, 1]. */
  target: number;
  /** The lowest score that keeps it; null where even the highest score belongs to a negative pair. */
  threshold: number | null;
  recall: number;
  /** Rate reached, at most the target. */
  fpr: number;
  falsePositives: number;
  /** All negatives of the sample. */
  negatives: number;
  /**
   * `none`: fewer than 1 / target negatives, so that not one false positive is allowed and the rate is not shown to be
   * met; `coarse`: fewer than ten false positives are allowed, the point depends on a handful of pairs; `fine`: the
   * rest.
   */
  resolution: 'none' | 'coarse' | 'fine';
}

/** The point of highest recall whose false positive rate is at most the target: never above it, rather below. */
export function operatingPointAt(target: number, ranking: Ranking, counts: Sweep): OperatingPoint {
  const { truePositives, falsePositives } = counts;
  const [positives, negatives] = [truePositives.at(-1)!, falsePositives.at(-1)!];
  const run = lastRunWithin(target, counts);
  return {
    target,
    threshold: run < 0 ? null : scoreOfRun(ranking, run),
    recall: run < 0 ? 0 : truePositives[run]! / positives,
    fpr: run < 0 ? 0 : falsePositives[run]! / negatives,
    falsePositives: run < 0 ? 0 : falsePositives[run]!,
    negatives,
    resolution: resolutionOf(target, negatives),
  };
}

/** Recall at a false positive rate of at most the target. NaN where a class is missing. */
export function recallAtFprOf(target: number, counts: Sweep): number {
  const [positives, negatives] = [counts.truePositives.at(-1)!, counts.falsePositives.at(-1)!];
  if (negatives === 0) return Number.NaN;
  const run = lastRunWithin(target, counts);
  return (run < 0 ? 0 : counts.truePositives[run]!) / positives;
}

function lastRunWithin(target: number, { falsePositives }: Sweep): number {
  const allowed = target * falsePositives.at(-1)! * (1 + 1e-12); // 0.05 · 20 allows one
  let [low, high] = [0, falsePositives.length]; // the counts never fall
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (falsePositives[middle]! <= allowed) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function resolutionOf(target: number, negatives: number): OperatingPoint['resolution'] {
  const allowed = Math.floor(target * negatives * (1 + 1e-12));
  return allowed < 1 ? 'none' : allowed < 10 ? 'coarse' : 'fine';
}
